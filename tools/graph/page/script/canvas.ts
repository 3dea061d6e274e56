/** Zoom: a step, the limits, and the smallest size at which texts can be read. */
const STEP = 1.25;
const [SMALLEST, LARGEST, READABLE] = [0.1, 3, 0.65];

/** The frame around the pictures: how large the one that is shown is, and which part of it is seen. */
export interface Canvas {
  /** As wide as the frame, but neither enlarged nor too small to read; with the centre of a focus in the middle. */
  readPicture(): void;
  /** All of it within the frame. */
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
    readPicture() {
      const svg = shown();
      if (svg === null) return;
      zoom(Math.min(1, Math.max(READABLE, roomIn(frame).width / svg.viewBox.baseVal.width)));
      moveToMiddle(frame, svg.querySelector("g.centre"));
    },
    fitPicture() {
      const { width, height } = shown()?.viewBox.baseVal ?? { width: 1, height: 1 };
      const room = roomIn(frame);
      zoom(Math.min(1, room.width / width, room.height / height));
    },
    zoomIn: () => zoom(scale * STEP),
    zoomOut: () => zoom(scale / STEP),
  };
}

/** Pixels within the paddings of the frame, which may grow to its greatest height. */
export function roomIn(frame: HTMLElement): { width: number; height: number } {
  const { paddingLeft, paddingRight, paddingTop, paddingBottom, maxHeight } = getComputedStyle(frame);
  const sum = (first: string, second: string) => Number.parseFloat(first) + Number.parseFloat(second);
  return {
    width: frame.clientWidth - sum(paddingLeft, paddingRight),
    height: Number.parseFloat(maxHeight) - sum(paddingTop, paddingBottom),
  };
}

/** Scrolls the frame and not the page around it. */
function moveToMiddle(frame: HTMLElement, element: Element | null): void {
  if (element === null) return;
  const [inner, outer] = [element.getBoundingClientRect(), frame.getBoundingClientRect()];
  frame.scrollLeft += inner.x + inner.width / 2 - outer.x - outer.width / 2;
  frame.scrollTop += inner.y + inner.height / 2 - outer.y - outer.height / 2;
}
