/* pictures.js -- draws the products: a few shapes each, on a ground of 240 by 200.
 * SPDX-License-Identifier: Apache-2.0 */
import {svg} from "./dom.js";

const shadow = (cx, rx) => ["ellipse", {cx, cy: 172, rx, ry: 8, fill: "#000", opacity: 0.1}];
const line = (d, stroke, width, more) => ["path", {d, stroke, "stroke-width": width, fill: "none", "stroke-linecap": "round",
  "stroke-linejoin": "round", ...more}];

const drawings = {
  kettle: [
    shadow(118, 68),
    line("M152 78 C196 70 204 98 192 126", "#2f3a36", 9),
    line("M82 140 C54 138 62 92 40 78", "#7d8a85", 10),
    line("M40 78 L30 76", "#7d8a85", 7),
    ["path", {d: "M80 168 L88 92 Q90 80 102 80 L142 80 Q154 80 156 92 L164 168 Q164 172 160 172 L84 172 Q80 172 80 168 Z", fill: "#a9b6b0"}],
    ["path", {d: "M136 80 L142 80 Q154 80 156 92 L164 168 Q164 172 160 172 L142 172 Z", fill: "#8d9a94"}],
    ["path", {d: "M98 92 L92 160", stroke: "#d6ded9", "stroke-width": 5, "stroke-linecap": "round"}],
    ["rect", {x: 96, y: 72, width: 52, height: 9, rx: 4, fill: "#6d7a75"}],
    ["rect", {x: 118, y: 60, width: 8, height: 14, fill: "#6d7a75"}],
    ["circle", {cx: 122, cy: 57, r: 8, fill: "#2f3a36"}],
  ],
  mug: [
    shadow(116, 58),
    line("M104 58 C96 48 112 42 104 30", "#b79a86", 4, {opacity: 0.7}),
    line("M126 54 C118 44 134 38 126 26", "#b79a86", 4, {opacity: 0.7}),
    line("M154 94 C190 90 190 142 152 140", "#b4472f", 11),
    ["path", {d: "M72 78 L80 160 Q81 172 93 172 L139 172 Q151 172 152 160 L160 78 Z", fill: "#cf5a3e"}],
    ["path", {d: "M138 78 L160 78 L152 160 Q151 172 139 172 L128 172 Z", fill: "#b4472f"}],
    ["ellipse", {cx: 116, cy: 78, rx: 44, ry: 10, fill: "#f7efe6"}],
    ["ellipse", {cx: 116, cy: 79, rx: 38, ry: 7, fill: "#4a2c20"}],
    ["circle", {cx: 92, cy: 120, r: 2.4, fill: "#f0b8a6"}], ["circle", {cx: 104, cy: 142, r: 2, fill: "#f0b8a6"}],
    ["circle", {cx: 116, cy: 112, r: 2, fill: "#f0b8a6"}], ["circle", {cx: 122, cy: 150, r: 2.4, fill: "#f0b8a6"}],
    ["circle", {cx: 96, cy: 100, r: 1.6, fill: "#f0b8a6"}], ["circle", {cx: 108, cy: 160, r: 1.6, fill: "#f0b8a6"}],
  ],
  grinder: [
    shadow(120, 46),
    line("M120 50 L178 38", "#4c5560", 7),
    ["ellipse", {cx: 182, cy: 30, rx: 11, ry: 13, fill: "#6b432a"}],
    ["rect", {x: 115, y: 44, width: 10, height: 18, rx: 3, fill: "#4c5560"}],
    ["path", {d: "M88 64 Q88 58 96 58 L144 58 Q152 58 152 64 L152 112 L88 112 Z", fill: "#56616d"}],
    ["path", {d: "M132 58 L144 58 Q152 58 152 64 L152 112 L132 112 Z", fill: "#434d58"}],
    ["rect", {x: 84, y: 108, width: 72, height: 12, rx: 4, fill: "#39424c"}],
    ["path", {d: "M90 120 L150 120 L146 166 Q145 172 139 172 L101 172 Q95 172 94 166 Z", fill: "#8a5a3a"}],
    ["path", {d: "M132 120 L150 120 L146 166 Q145 172 139 172 L130 172 Z", fill: "#6b432a"}],
    line("M98 70 L98 100", "#7c8894", 5),
  ],
  beans: [
    shadow(120, 56),
    ["path", {d: "M76 52 L164 52 L170 166 Q170 172 164 172 L76 172 Q70 172 70 166 Z", fill: "#3a2a25"}],
    ["path", {d: "M146 52 L164 52 L170 166 Q170 172 164 172 L150 172 Z", fill: "#2a1d19"}],
    ["path", {d: "M76 52 L80 34 L160 34 L164 52 Z", fill: "#54403a"}],
    ["rect", {x: 74, y: 44, width: 92, height: 9, rx: 2, fill: "#2a1d19"}],
    ["rect", {x: 86, y: 82, width: 62, height: 66, rx: 4, fill: "#f4e6dc"}],
    ["ellipse", {cx: 117, cy: 106, rx: 11, ry: 15, fill: "#7a4a34", transform: "rotate(28 117 106)"}],
    line("M111 96 C120 100 112 110 122 116", "#f4e6dc", 2.4),
    ["rect", {x: 97, y: 130, width: 40, height: 4, rx: 2, fill: "#c06a55"}],
    ["rect", {x: 103, y: 138, width: 28, height: 3, rx: 1.5, fill: "#b9a79b"}],
  ],
  lamp: [
    ["path", {d: "M96 78 L36 172 L172 172 L142 92 Z", fill: "#fff3c4", opacity: 0.65}],
    shadow(128, 52),
    line("M150 166 L176 96 L128 52", "#2e4057", 7),
    ["circle", {cx: 176, cy: 96, r: 7, fill: "#e0a526"}],
    ["path", {d: "M134 36 Q146 44 144 58 L142 92 L92 76 Q104 42 134 36 Z", fill: "#2e4057"}],
    ["path", {d: "M134 36 Q146 44 144 58 L142 92 L124 86 Z", fill: "#22324a"}],
    ["ellipse", {cx: 117, cy: 84, rx: 27, ry: 8, transform: "rotate(18 117 84)", fill: "#ffe08a"}],
    ["rect", {x: 118, y: 162, width: 64, height: 10, rx: 5, fill: "#22324a"}],
  ],
  blanket: [
    shadow(120, 84),
    ["rect", {x: 46, y: 132, width: 148, height: 40, rx: 18, fill: "#d9cdb8"}],
    ["rect", {x: 50, y: 98, width: 140, height: 40, rx: 18, fill: "#e9dfcd"}],
    ["rect", {x: 56, y: 64, width: 128, height: 40, rx: 18, fill: "#f3ebdc"}],
    ["path", {d: "M150 64 L166 64 L166 104 L150 104 Z M154 98 L170 98 L170 138 L154 138 Z M156 132 L172 132 L172 172 L156 172 Z", fill: "#6f8a72"}],
    ["path", {d: "M140 64 L145 64 L145 104 L140 104 Z M144 98 L149 98 L149 138 L144 138 Z M146 132 L151 132 L151 172 L146 172 Z", fill: "#b9503a"}],
    line("M62 152 C84 146 108 158 136 150", "#bfb198", 2), line("M66 118 C88 112 110 124 134 116", "#cfc2aa", 2),
    line("M72 84 C92 78 112 90 130 82", "#d9cdb8", 2),
    line("M56 172 L54 181 M66 172 L65 181 M76 172 L76 181 M86 172 L87 181", "#d9cdb8", 3),
  ],
  bowl: [
    shadow(120, 60),
    ["path", {d: "M50 96 Q54 166 104 170 L136 170 Q186 166 190 96 Z", fill: "#7f9db3"}],
    ["path", {d: "M160 96 L190 96 Q186 166 136 170 L124 170 Q160 150 160 96 Z", fill: "#6887a0"}],
    ["ellipse", {cx: 120, cy: 96, rx: 70, ry: 18, fill: "#e7eef2"}],
    ["ellipse", {cx: 120, cy: 98, rx: 60, ry: 13, fill: "#f3d9a4"}],
    ["circle", {cx: 98, cy: 95, r: 7, fill: "#c8453b"}], ["circle", {cx: 114, cy: 101, r: 6, fill: "#3d4a86"}],
    ["circle", {cx: 128, cy: 93, r: 6, fill: "#3d4a86"}], ["circle", {cx: 144, cy: 99, r: 7, fill: "#c8453b"}],
    ["rect", {x: 96, y: 168, width: 48, height: 6, rx: 3, fill: "#56738a"}],
    line("M68 118 Q74 144 96 156", "#a9c1d1", 4),
  ],
  plant: [
    shadow(120, 48),
    line("M120 132 C118 96 122 70 120 34", "#4b6b4a", 4),
    ["path", {d: "M120 96 C84 96 70 78 64 60 C94 56 114 70 120 96 Z", fill: "#3f7a55"}],
    ["path", {d: "M120 84 C150 86 172 68 176 46 C146 44 124 58 120 84 Z", fill: "#2f6144"}],
    ["path", {d: "M120 124 C92 128 70 118 58 104 C84 94 108 102 120 124 Z", fill: "#2f6144"}],
    ["path", {d: "M120 120 C148 124 172 112 182 94 C154 86 130 96 120 120 Z", fill: "#3f7a55"}],
    ["path", {d: "M120 60 C104 52 100 34 106 18 C124 24 130 42 120 60 Z", fill: "#4f9068"}],
    ["path", {d: "M82 128 L158 128 L150 166 Q149 172 142 172 L98 172 Q91 172 90 166 Z", fill: "#c5714e"}],
    ["path", {d: "M136 128 L158 128 L150 166 Q149 172 142 172 L130 172 Z", fill: "#a95c3d"}],
    ["rect", {x: 76, y: 120, width: 88, height: 14, rx: 4, fill: "#d4835f"}],
  ],
};

/* A drawing says nothing that the text beside it does not; with a label it stands alone. */
export function picture(id, label) {
  const hearing = label ? {role: "img", "aria-label": label} : {"aria-hidden": "true"};
  return svg("svg.picture", {viewBox: "0 0 240 200", ...hearing}, drawings[id].map(([tag, attributes]) => svg(tag, attributes)));
}
