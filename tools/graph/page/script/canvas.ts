/** Zoom: a step, the limits, and the smallest size at which a picture is fitted into the page. */
const STEP = 1.25;
const [SMALLEST, LARGEST, READABLE] = [0.15, 3, 0.55];

/** The frame around the pictures: how large the one that is shown is, and which part of it is seen. */
export interface Canvas {
  /** As wide as the frame, but neither enlarged nor too small to read; with the centre of a focus in the middle. */
  fitPicture(): void;
  zoomIn(): void;
  zoomOut(): void;
}

export function canvasOf(frame: HTMLElement, shown: () => SVGSVGElement | null): Canvas {
  let scale = 1;
  const zoom = (next: number) => {
    scale = Math.min(LARGEST, Math.max(SMALLEST, next));
    const svg = shown();
    const { width, height } = svg?.viewBox.baseVal ?? { width: 0, height: 0 };
    svg?.setAttribute("width", `${Math.round(width * scale)}`);
    svg?.setAttribute("height", `${Math.round(height * scale)}`);
  };
  return {
    fitPicture() {
      const svg = shown();
      if (svg === null) return;
      const fitting = roomIn(frame) / svg.viewBox.baseVal.width;
      zoom(Math.min(1, Math.max(READABLE, fitting)));
      moveToMiddle(frame, svg.querySelector("g.centre"));
    },
    zoomIn: () => zoom(scale * STEP),
    zoomOut: () => zoom(scale / STEP),
  };
}

/** Pixels between the paddings of the frame. */
export function roomIn(frame: HTMLElement): number {
  const { paddingLeft, paddingRight } = getComputedStyle(frame);
  return frame.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight);
}

/** Scrolls the frame and not the page around it. */
function moveToMiddle(frame: HTMLElement, element: Element | null): void {
  if (element === null) return;
  const [inner, outer] = [element.getBoundingClientRect(), frame.getBoundingClientRect()];
  frame.scrollLeft += inner.x + inner.width / 2 - outer.x - outer.width / 2;
  frame.scrollTop += inner.y + inner.height / 2 - outer.y - outer.height / 2;
}
