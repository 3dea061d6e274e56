/** Colours by what they are for. */
const LIGHT = `color-scheme:light;--page:#fff;--soft:#f5f7f8;--line:#d9dfe3;--text:#1d2529;--quiet:#57646c;--accent:#0b6070;
--ok:#1a6b3c;--warning:#8a5a00;--problem:#b3261e;--unknown:#5b4b9a;--skipped:#66737a;
--ok-soft:#eaf5ee;--warning-soft:#fdf4e0;--problem-soft:#fdeceb;--unknown-soft:#f0edfa;
--box:#fff;--box-line:#57646c;--entry:#fff8e1;--entry-line:#9a6700;--database:#e6f1fb;--database-line:#2468a8;--gateway:#f4eefc;--gateway-line:#7a4fc0`;
const DARK = `color-scheme:dark;--page:#12181b;--soft:#1a2226;--line:#334047;--text:#e6ecef;--quiet:#a3b0b7;--accent:#63c3d4;
--ok:#6fcf97;--warning:#e6b450;--problem:#ff8a80;--unknown:#b9a9f5;--skipped:#93a0a7;
--ok-soft:#14291d;--warning-soft:#2e2611;--problem-soft:#351a18;--unknown-soft:#231f38;
--box:#1f282d;--box-line:#93a0a7;--entry:#2e2611;--entry-line:#d29922;--database:#11253a;--database-line:#5aa2e8;--gateway:#271f3a;--gateway-line:#ab8cf0`;

/** The style of the pages: screen first, then narrow screens, then paper. */
export const PAGE_STYLE = `
:root{${LIGHT}}
@media screen and (prefers-color-scheme:dark){:root:not([data-theme=light]){${DARK}}}
@media screen{:root[data-theme=dark]{${DARK}}}
*{box-sizing:border-box}
[hidden]{display:none!important}
html{scroll-padding-top:1rem;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:break-word}
main,.top>div{max-width:1120px;margin:0 auto;padding:0 24px}
main{padding-bottom:96px}
.top{border-bottom:1px solid var(--line)}
.top>div{display:flex;justify-content:space-between;align-items:center;min-height:56px}
.brand{margin:0;font-weight:600;letter-spacing:.01em;color:var(--accent)}
.skip{position:absolute;left:-999px}
.skip:focus{left:8px;top:8px;background:var(--page);padding:8px;z-index:9}
h1{font-size:2rem;line-height:1.2;letter-spacing:-.015em;margin:56px 0 8px}
h2{font-size:1.4rem;line-height:1.3;letter-spacing:-.01em;margin:72px 0 12px}
h3{font-size:1.05rem;margin:36px 0 4px}
p{margin:0 0 12px;max-width:76ch}
.subtitle,.note{color:var(--quiet)}
.note{font-size:.875rem}
a{color:var(--accent);text-decoration-thickness:1px;text-underline-offset:.16em}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
code{font:.85em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;overflow-wrap:anywhere}
nav ol{display:flex;flex-wrap:wrap;gap:4px 24px;margin:28px 0 0;padding:12px 0;border-block:1px solid var(--line);list-style:none;font-size:.925rem}
button,select,input{font:inherit;color:inherit;background:var(--box);border:1px solid var(--line);border-radius:6px;padding:6px 12px;min-height:36px}
button{cursor:pointer}
button:hover{border-color:var(--accent)}
button[aria-pressed=true]{border-color:var(--accent);color:var(--accent)}
input[type=radio]{min-height:0;accent-color:var(--accent)}
.wide-table{overflow-x:auto;margin:12px 0 0}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:9px 16px 9px 0;border-bottom:1px solid var(--line);font-weight:400}
thead th{color:var(--quiet);font-size:.8rem;font-weight:600;white-space:nowrap}
tbody th{font-weight:600;min-width:11rem}
th code,td code.block{display:block;color:var(--quiet);font-weight:400}
.step th{padding-top:22px;color:var(--quiet);font-size:.85rem}
.layers tbody th{min-width:0}
tr:target{background:var(--soft)}
dl.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(260px,1fr));gap:20px 32px;margin:28px 0 0}
dl.facts>div{border-top:2px solid var(--line);padding-top:8px}
dt{color:var(--quiet);font-size:.8rem}
dd{margin:0;font-weight:600;overflow-wrap:anywhere}
dd small{display:block;font-weight:400;color:var(--quiet)}
.status{display:inline-flex;align-items:baseline;gap:.4em;font-weight:600;white-space:nowrap}
.status svg{width:1.05em;height:1.05em;flex:none;align-self:center}
.status.ok{color:var(--ok)}.status.warning{color:var(--warning)}.status.problem{color:var(--problem)}.status.unknown{color:var(--unknown)}.status.skipped{color:var(--skipped)}
.verdict{border-left:4px solid;padding:16px 20px;margin:32px 0 0;border-radius:0 8px 8px 0}
.verdict p{margin:4px 0 0;color:var(--text)}
.verdict>strong{display:flex;flex-wrap:wrap;gap:2px 12px;font-size:1.25rem;line-height:1.3}
.verdict.ok{border-color:var(--ok);background:var(--ok-soft)}.verdict.warning{border-color:var(--warning);background:var(--warning-soft)}.verdict.problem{border-color:var(--problem);background:var(--problem-soft)}.verdict.unknown{border-color:var(--unknown);background:var(--unknown-soft)}
.findings{list-style:none;margin:20px 0 0;padding:0}
.findings>li{border-left:3px solid var(--line);padding:2px 0 2px 16px;margin:0 0 24px}
.findings>li.problem{border-color:var(--problem)}.findings>li.warning{border-color:var(--warning)}.findings>li.unknown{border-color:var(--unknown)}
.findings p{margin:4px 0 0}
.findings .title{font-weight:600}
.findings ul{margin:6px 0 0;padding-left:20px}
.findings .hint::before{content:"→ ";color:var(--accent)}
details{margin:16px 0 0}
summary{cursor:pointer;color:var(--accent)}
.mode{display:inline-block;margin-left:6px;padding:0 8px;border:1px solid currentColor;border-radius:999px;font-size:.75rem;font-weight:600;color:var(--quiet);vertical-align:.1em}
.mode.enforce{color:var(--ok)}.mode.dryRun,.mode.off{color:var(--warning)}.mode.denyAll{color:var(--problem)}
.controls{display:grid;grid-template-columns:2fr repeat(3,1fr) 1.6fr;gap:12px;margin:20px 0 0}
.field{position:relative;min-width:0}
.field label{display:block;font-size:.8rem;color:var(--quiet);margin-bottom:2px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.field input,.field select{width:100%}
#found{position:absolute;z-index:5;left:0;min-width:100%;width:max-content;max-width:min(560px,90vw);max-height:340px;overflow:auto;margin:4px 0 0;padding:4px;list-style:none;background:var(--box);border:1px solid var(--line);border-radius:8px;box-shadow:0 8px 28px #0003}
#found li{padding:5px 10px;border-radius:5px;cursor:pointer}
#found li[aria-selected=true]{background:var(--soft);outline:1px solid var(--accent)}
#found small{display:block;color:var(--quiet)}
#found .nothing{cursor:default;color:var(--quiet)}
.bar{display:flex;flex-wrap:wrap;align-items:center;gap:8px 16px;margin:12px 0 0;min-height:40px}
.bar output{flex:1 1 20rem;font-size:.9rem}
.bar fieldset{display:flex;gap:12px;align-items:center;border:0;margin:0;padding:0;font-size:.9rem}
.bar legend{float:left;color:var(--quiet);padding:0}
.bar label{display:inline-flex;gap:4px;align-items:center}
.zoom{display:inline-flex}
.zoom button{border-radius:0;margin-left:-1px;min-width:40px}
.zoom button:first-child{border-radius:6px 0 0 6px}.zoom button:last-child{border-radius:0 6px 6px 0}
.canvas{overflow:auto;border:1px solid var(--line);border-radius:10px;margin:12px 0 0;padding:8px;background:var(--page)}
.live .canvas{max-height:78vh;min-height:220px}
.canvas svg{display:block;margin:0 auto}
.empty{padding:64px 16px;margin:0 auto;text-align:center;color:var(--quiet)}
.legend{display:flex;flex-wrap:wrap;gap:4px 20px;margin:10px 0 0;padding:0;list-style:none;font-size:.8rem;color:var(--quiet)}
.legend li{display:inline-flex;align-items:center;gap:6px}
.tips{position:absolute}
svg text{font-family:Helvetica,Arial,"Liberation Sans",sans-serif;fill:var(--text)}
svg .name{font-size:14px;font-weight:bold}
svg .small{font-size:11px;fill:var(--quiet)}
svg rect.application{fill:var(--soft);stroke:var(--line)}
svg rect.application.dryRun,svg rect.application.off{stroke-dasharray:6 4}
svg rect.application.denyAll{stroke:var(--problem);stroke-width:1.5}
svg .heading text{stroke:var(--soft);stroke-width:4px;stroke-linejoin:round;paint-order:stroke}
svg .node .shape{fill:var(--box);stroke:var(--box-line);stroke-width:1.2}
svg .node.entry .shape{fill:var(--entry);stroke:var(--entry-line);stroke-width:2}
svg .node.database .shape{fill:var(--database);stroke:var(--database-line)}
svg .node.gateway .shape{fill:var(--gateway);stroke:var(--gateway-line);stroke-width:1.5}
svg .node.anyone .shape{fill:var(--entry);stroke:var(--entry-line);stroke-dasharray:4 3}
svg .node.principal .shape,svg .node.more .shape{stroke-dasharray:4 3}
svg .node.centre .shape{stroke:var(--accent);stroke-width:3}
svg .edge>path{fill:none;stroke:var(--box-line);stroke-width:1.2}
svg .edge.loose>path{stroke-dasharray:5 4}
svg .edge>rect{fill:var(--page);opacity:.92}
svg .tip{fill:var(--box-line)}
.live .node{cursor:pointer}
.live .node:hover .shape,.live .node:focus-visible .shape{stroke:var(--accent);stroke-width:3}
.live .node:focus-visible{outline:none}
.live .edge:hover>path{stroke:var(--accent);stroke-width:2.5}
.aside{opacity:.35}
.aside:hover{opacity:1}
.faded{opacity:.13}
.changes ul{margin:4px 0 16px;padding-left:20px}
.sign{display:inline-block;min-width:5.5em;font-weight:600}
footer{margin-top:72px;padding-top:16px;border-top:1px solid var(--line);color:var(--quiet);font-size:.85rem}
@media (max-width:820px){.controls{grid-template-columns:1fr 1fr}.field.wide{grid-column:1/-1}}
@media (max-width:520px){main,.top>div{padding-inline:16px}h1{font-size:1.6rem;margin-top:32px}h2{margin-top:52px}table{font-size:.85rem}th,td{padding-right:12px}}
@media (max-width:640px){
.stack thead{display:none}
.stack tr,.stack th,.stack td{display:block}
.stack tr{border-bottom:1px solid var(--line);padding:8px 0}
.stack th,.stack td{border:0;padding:1px 0}
}
@media print{
@page{margin:16mm 14mm}
body{font-size:10pt}
main{max-width:none;padding:0}
.top,.skip,nav,.controls,.bar,button{display:none!important}
h1{margin-top:0;font-size:20pt}h2{margin-top:24pt;font-size:14pt}
h2,h3,h2+p,thead,.step,.note{break-after:avoid}
th,td{padding-block:5px}
tr,.findings>li,dl.facts>div,.verdict,.canvas,.legend{break-inside:avoid}
thead{display:table-header-group}
.wide-table,.canvas,.live .canvas{overflow:visible;max-height:none;border:0;padding:0;min-height:0}
.canvas svg{width:100%!important;height:auto!important;max-height:225mm}
a{color:inherit;text-decoration:none}
.faded{opacity:1}
details>summary{display:none}
details::details-content{content-visibility:visible;display:block}
}
`;
