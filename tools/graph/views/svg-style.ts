/**
 * The style sheet of the pictures. The page is drawn as well, because an SVG in an <img> follows the reader's colour
 * scheme and not that of the page around it. No custom properties and no :is(),
 * which librsvg and Inkscape do not know.
 */
export const SVG_STYLE = `
text{font-family:Helvetica,Arial,"Liberation Sans",sans-serif;fill:#1f2328}
.name{font-size:14px;font-weight:bold}
.small{font-size:11px;fill:#4d5761}
.page{fill:#fff}
.application{fill:#f6f8fa;stroke:#c4ccd4}
.application.dryRun,.application.off{stroke-dasharray:6 4}
.application.denyAll{stroke:#cf222e;stroke-width:1.5}
.heading text{stroke:#f6f8fa;stroke-width:4px;stroke-linejoin:round;paint-order:stroke}
.node .shape{fill:#fff;stroke:#57606a;stroke-width:1.2}
.node.entry .shape{fill:#fff8e1;stroke:#9a6700;stroke-width:2}
.node.database .shape{fill:#e3f2ff;stroke:#0969da}
.node.gateway .shape{fill:#f6edff;stroke:#8250df;stroke-width:1.5}
.node.anyone .shape{fill:#fff8e1;stroke:#9a6700;stroke-dasharray:4 3}
.node.principal .shape{stroke-dasharray:4 3}
.edge>path{fill:none;stroke:#57606a;stroke-width:1.3}
.edge.loose>path{stroke-dasharray:5 4}
.edge>rect{fill:#fff;opacity:.9}
.tip{fill:#57606a}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}
.small{fill:#a9b4bf}
.page{fill:#0d1117}
.application{fill:#161b22;stroke:#3d444d}
.application.denyAll{stroke:#f85149}
.heading text{stroke:#161b22}
.node .shape{fill:#21262d;stroke:#9198a1}
.node.entry .shape{fill:#2e2611;stroke:#d29922}
.node.database .shape{fill:#0e2138;stroke:#4493f8}
.node.gateway .shape{fill:#271a3d;stroke:#ab7df8}
.node.anyone .shape{fill:#2e2611;stroke:#d29922}
.edge>path{stroke:#9198a1}
.edge>rect{fill:#0d1117}
.tip{fill:#9198a1}
}
`;
