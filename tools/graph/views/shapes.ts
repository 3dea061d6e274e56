import type { Size } from "./layout.ts";
import type { NodeKind } from "./picture-nodes.ts";
import { svgNumber } from "./svg-text.ts";

/** An element of SVG and its attributes, which need no escaping. */
export interface Shape {
  element: "rect" | "path" | "polygon" | "ellipse";
  attributes: Readonly<Record<string, string>>;
}

/** The outline of a node of this kind, around its centre. */
export function shapeOf(kind: NodeKind, size: Size): Shape {
  const [x, y] = [size.width / 2, size.height / 2];
  const rect = (radius: number): Shape => ({
    element: "rect",
    attributes: {
      x: svgNumber(-x),
      y: svgNumber(-y),
      width: svgNumber(2 * x),
      height: svgNumber(2 * y),
      rx: `${radius}`,
    },
  });
  switch (kind) {
    case "database": {
      // A cylinder: the lower half of its lid is drawn as well.
      const lid = 5;
      const arc = `a${svgNumber(x)} ${lid} 0 0`;
      const [left, top, down] = [svgNumber(-x), svgNumber(-y + lid), svgNumber(2 * (y - lid))];
      const across = svgNumber(2 * x);
      const d = `M${left} ${top}${arc} 1 ${across} 0v${down}${arc} 1 -${across} 0zm0 0${arc} 0 ${across} 0`;
      return { element: "path", attributes: { d } };
    }
    case "gateway": {
      const slant = 12;
      const points = [
        [-x, 0],
        [-x + slant, -y],
        [x - slant, -y],
        [x, 0],
        [x - slant, y],
        [-x + slant, y],
      ];
      return {
        element: "polygon",
        attributes: { points: points.map((point) => point.map(svgNumber).join(",")).join(" ") },
      };
    }
    case "anyone":
      return { element: "ellipse", attributes: { rx: svgNumber(x), ry: svgNumber(y) } };
    case "principal":
      return rect(Math.min(y, 14));
    default:
      return rect(6);
  }
}

/** The same as text. */
export function outline(kind: NodeKind, size: Size): string {
  const { element, attributes } = shapeOf(kind, size);
  const written = Object.entries(attributes).map(([name, value]) => ` ${name}="${value}"`);
  return `<${element} class="shape"${written.join("")}/>`;
}
