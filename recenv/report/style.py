"""The page's style sheet: one column, system fonts, readable on paper and on a telephone."""

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --box: #eef5fa; --ink: #1b1f24; --soft: #565e69; --line: #dfe3e8;
  --pale: #f5f6f8; --accent: #005a8f; --ok: #00558a; --ok-paper: #eaf4fb; --caution: #7a4700; --caution-paper: #fff4e0;
  --refusal: #5c6068; --refusal-paper: #efeff1; --refused: #6b6f76; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.6 system-ui, -apple-system, "Segoe UI",
  Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", Arial, sans-serif; overflow-wrap: break-word; }
main, header, footer { max-width: 1040px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 40px; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 8px; letter-spacing: -0.015em; }
h2 { font-size: 1.35rem; line-height: 1.3; margin: 56px 0 12px; padding-top: 14px; border-top: 2px solid var(--ink);
  letter-spacing: -0.01em; }
h3 { font-size: 1.05rem; margin: 28px 0 6px; }
p, ul, ol, dl { margin: 0 0 14px; }
p, li { max-width: 46em; }
a { color: var(--accent); }
code, pre { font: 0.88em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
code { background: var(--pale); padding: 1px 4px; border-radius: 3px; }
pre { background: var(--pale); border: 1px solid var(--line); border-radius: 6px; padding: 12px 14px; overflow-x: auto;
  white-space: pre-wrap; }
.soft { color: var(--soft); }
.small { font-size: 0.9rem; }
nav { margin: 22px 0 0; font-size: 0.9rem; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 18px; padding: 0; }
.verdict { border-left: 5px solid var(--accent); background: var(--box); border-radius: 0 8px 8px 0; padding: 16px 22px;
  margin: 0 0 16px; }
.verdict p { margin: 0 0 8px; max-width: none; }
.verdict p:first-child { font-size: 1.12rem; font-weight: 600; line-height: 1.45; }
.verdict p:last-child { margin: 0; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); gap: 12px 24px; }
.facts dt { color: var(--soft); font-size: 0.84rem; }
.facts dd { margin: 0; font-weight: 600; }
.glossary dt { font-weight: 600; }
.glossary dd { margin: 0 0 8px; max-width: 46em; }
.scroll { overflow-x: auto; }
figure { margin: 18px 0 22px; }
figure img { display: none; max-width: 100%; height: auto; }
figure img.day.any, figure img.day.wide { display: block; }
figcaption, caption { color: var(--soft); font-size: 0.9rem; text-align: left; padding: 6px 0; max-width: 52em; }
table { border-collapse: collapse; font-size: 0.875rem; line-height: 1.4; width: 100%; margin: 4px 0 18px;
  font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 6px 10px 6px 0; border-bottom: 1px solid var(--line); }
thead th { border-bottom: 1.5px solid var(--ink); font-weight: 600; vertical-align: bottom; }
tbody th, td { max-width: 24em; overflow-wrap: break-word; }
tbody th { font-weight: 600; min-width: 9em; }
tbody tr.heading th { background: var(--pale); padding-left: 8px; }
tbody tr:not(.heading) th { padding-left: 8px; }
thead th:first-child { padding-left: 8px; }
.number { text-align: right; padding-left: 8px; }
td.number { white-space: nowrap; }
.wide { min-width: 15em; }
.refused th, .refused td { color: var(--refused); font-style: italic; background: var(--pale); }
.refused .badge { font-style: normal; }
.badge { display: inline-block; white-space: nowrap; border: 1px solid; border-radius: 10px; padding: 0 8px;
  font-size: 0.8rem; font-weight: 600; }
.ok { color: var(--ok); background: var(--ok-paper); }
.caution { color: var(--caution); background: var(--caution-paper); }
.refusal { color: var(--refusal); background: var(--refusal-paper); }
.dense table { font-size: 0.8rem; }
.dense th, .dense td { padding-right: 4px; padding-left: 4px; }
.dense tbody th { min-width: 5em; }
.dense .badge { white-space: normal; }
details { margin: 0 0 16px; }
summary { cursor: pointer; color: var(--accent); padding: 4px 0; }
footer { color: var(--soft); font-size: 0.88rem; padding-top: 40px; padding-bottom: 56px; }
a:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
@media (max-width: 640px) {
  main, header, footer { padding-left: 16px; padding-right: 16px; }
  h1 { font-size: 1.55rem; }
  .verdict { padding: 12px 14px; }
}
@media screen and (max-width: 640px) {
  .scroll table, .scroll caption, .scroll tbody, .scroll tr, .scroll tbody th, .scroll td { display: block; }
  .scroll thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .scroll tr { border-bottom: 1px solid var(--line); padding: 6px 0; }
  .scroll tbody th, .scroll td { border: 0; padding: 2px 8px; max-width: none; min-width: 0; text-align: right; }
  .scroll tbody th, .scroll td.wide { text-align: left; }
  .scroll td::after { content: ""; display: block; clear: both; }
  .scroll td::before { content: attr(data-label); float: left; margin-right: 12px; color: var(--soft); }
  .scroll td.wide::before { float: none; display: block; }
  .scroll td:empty { display: none; }
  .facts { grid-template-columns: repeat(auto-fill, minmax(130px, 1fr)); }
  figure img.day.wide { display: none; }
  figure img.day.slim { display: block; }
}
@media screen and (prefers-color-scheme: dark) {
  :root { --paper: #14171b; --box: #16222c; --ok: #8fcbf2; --ok-paper: #14293a; --caution: #f4c07a;
    --caution-paper: #33240d; --refusal: #b3b9c2; --refusal-paper: #262b31; --refused: #a3abb8; --ink: #e8eaed;
    --soft: #a3abb8; --line: #2c3239; --pale: #1b2026; --accent: #7cc0ee; }
  figure img.day.any, figure img.day.wide, figure img.day.slim { display: none; }
  figure img.night.any, figure img.night.wide { display: block; }
}
@media screen and (prefers-color-scheme: dark) and (max-width: 640px) {
  figure img.night.wide { display: none; }
  figure img.night.slim { display: block; }
}
@media print {
  @page { margin: 16mm; }
  body { font-size: 10pt; }
  nav { display: none; }
  main, header, footer { max-width: none; padding: 0; }
  h2 { margin-top: 28px; break-after: avoid; }
  figure, .verdict, tr { break-inside: avoid; }
  .scroll { overflow: visible; }
  figure img { min-width: 0 !important; }
  .wide { min-width: 0; }
  table { font-size: 7.5pt; }
}
"""
