/* panel_score.js -- the prospect score: how high, how it got there, what made it so.
 * SPDX-License-Identifier: Apache-2.0 */
import {byId, el, svg} from "./dom.js";
import {on} from "./news.js";

const WIDTH = 240, HEIGHT = 56, PAD = 4, POINTS_MAX = 48, REASONS = 3, SMALL = 0.0005;
let scores = [];

/* From 0 at the bottom to 1 at the top, whatever they are: a score that hardly moves shall look so. */
function sparkline(width) {
  const step = (width - 2 * PAD) / Math.max(scores.length - 1, 1);
  const points = scores.map((score, i) => [PAD + i * step, HEIGHT - PAD - score * (HEIGHT - 2 * PAD)]);
  const path = points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join(" ");
  const [x, y] = points[points.length - 1];
  return [
    svg("path.half", {d: `M0 ${HEIGHT / 2} H${width}`}),
    svg("path.under", {d: `${path} L${x.toFixed(1)} ${HEIGHT} L${PAD} ${HEIGHT} Z`}),
    svg("path.curve", {d: path}),
    svg("circle.now", {cx: x, cy: y, r: 3.5}),
  ];
}

function reason([name, part]) {
  const sign = part < 0 ? "−" : "+";
  return el("li", {}, el("code", {}, name), el(part < 0 ? "span.less" : "span.plus", {}, `${sign}${Math.abs(part).toFixed(2)}`));
}

function show({score, explanations, problem}) {
  byId("score-problem").textContent = problem ?? "";
  if (problem) return;
  const text = score.toFixed(2);
  if (scores[scores.length - 1] !== score) scores = [...scores, score].slice(-POINTS_MAX);
  byId("score").textContent = text;
  byId("score-bar").textContent = text;
  const width = byId("spark").clientWidth || WIDTH; // a closed drawer has none
  byId("spark").setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  byId("spark").replaceChildren(...sparkline(width));
  const parts = Object.entries(explanations).filter(([name, part]) => name !== "__sum_of_others" && Math.abs(part) > SMALL);
  byId("reasons").replaceChildren(...parts.slice(0, REASONS).map(reason));
}

export function startScore() {
  on("score", show);
  on("visitor", () => {
    scores = [];
    byId("score").textContent = "–";
    byId("score-bar").textContent = "–";
    byId("spark").replaceChildren();
    byId("reasons").replaceChildren();
  });
}
