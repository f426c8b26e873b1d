"""How the page of a trace looks, by day and by night; within its own element, so that a notebook keeps its looks."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
.objfs-trace{--ink:#1f2933;--dim:#6b7785;--paper:#fff;--track:#eef1f4;--data:#3b6fb5;--sdk:#d98218;--bad:#c0392b;
--cached:#3a9d7a;--waited:#7a5cc0;--unread:#b8a13a;color:var(--ink);background:var(--paper);
font:14px/1.45 system-ui,sans-serif;padding:1em;max-width:1200px;margin:0 auto}
@media (prefers-color-scheme:dark){.objfs-trace{--ink:#e4e9ee;--dim:#9aa7b4;--paper:#15191e;--track:#242b33;
--data:#6fa3ea;--sdk:#f0a849;--bad:#f0776a;--cached:#5cc7a0;--waited:#a98ff0;--unread:#d8c25a}}
.objfs-trace h1{font-size:1.4em;margin:0 0 .4em}.objfs-trace h2{font-size:1.15em;margin:1.2em 0 .4em}
.objfs-trace h3{font:600 13px/1.4 ui-monospace,monospace;margin:1em 0 .1em;overflow-wrap:anywhere}
.objfs-trace p{margin:.15em 0;color:var(--ink)}.objfs-trace section p{color:var(--dim)}
.objfs-trace svg{width:100%;height:auto;display:block}
.objfs-trace text{font:11px ui-monospace,monospace;fill:var(--ink)}.objfs-trace text.tick{fill:var(--dim)}
.objfs-trace text.end{text-anchor:end}.objfs-trace line.tick{stroke:var(--track)}.objfs-trace .track{fill:var(--track)}
.objfs-trace .data{fill:var(--data);background:var(--data)}.objfs-trace .sdk{fill:var(--sdk);background:var(--sdk)}
.objfs-trace .cached{fill:var(--cached);background:var(--cached)}
.objfs-trace .waited{fill:var(--waited);background:var(--waited)}
.objfs-trace .again{fill:var(--dim);background:var(--dim)}
.objfs-trace .unread{fill:var(--unread);background:var(--unread)}
.objfs-trace .repeat{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:3 2;border:1.5px dashed var(--ink)}
.objfs-trace .failed{fill:var(--bad);background:var(--bad)}
.objfs-trace .legend span{margin-right:1.2em;white-space:nowrap}
.objfs-trace .legend i{display:inline-block;width:.9em;height:.9em;margin-right:.35em;vertical-align:-.1em;
box-sizing:border-box}
.objfs-trace details{margin-top:1.2em}.objfs-trace table{border-collapse:collapse;font:12px ui-monospace,monospace}
.objfs-trace th,.objfs-trace td{text-align:left;padding:.1em .7em .1em 0;overflow-wrap:anywhere}
"""
