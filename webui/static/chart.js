// Draws every `.plot` with uPlot. A plot names its numbers in attributes: data-times (seconds), data-close or data-value,
// and further lines; "-" is no value. Amounts are text for people and for the table; here they are only pixels.

/** @type {Map<HTMLElement, Plot>} */
const drawn = new Map();

const observer = new ResizeObserver((entries) => {
  for (const entry of entries) {
    const plot = drawn.get(/** @type {HTMLElement} */ (entry.target));
    plot?.setSize(sizeOf(/** @type {HTMLElement} */ (entry.target)));
  }
});

/** @param {string | undefined} text @returns {(number | null)[]} */
const numbers = (text) => (text ?? "").split(" ").filter(Boolean).map((each) => (each === "-" ? null : Number(each)));

/** @param {HTMLElement} place */
const sizeOf = (place) => ({ width: place.clientWidth, height: place.clientWidth < 520 ? 240 : 320 });

/** @param {string} name */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** @param {string} currency */
function writers(currency) {
  const locale = document.documentElement.lang;
  const known = currency.length === 3;
  /** @param {Intl.NumberFormatOptions} options */
  const format = (options) => new Intl.NumberFormat(locale, known ? { style: "currency", currency, ...options } : options);
  const short = format({ notation: "compact", maximumSignificantDigits: 4 });
  const large = format({ minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const small = format({ maximumSignificantDigits: 4 });
  return {
    /** @param {number} value */
    axis: (value) => short.format(value),
    /** @param {number | null} value */
    exact: (value) => (value === null ? "–" : (Math.abs(value) >= 1 ? large : small).format(value)),
  };
}

/** @param {HTMLElement} place */
function draw(place) {
  const times = numbers(place.dataset.times);
  const main = numbers(place.dataset.close ?? place.dataset.value);
  const second = place.dataset.second ? numbers(place.dataset.second) : null;
  const write = writers(place.dataset.currency ?? "");
  const grid = { stroke: colour("line"), width: 1 };
  const axis = { stroke: colour("quiet"), grid, ticks: { show: false }, font: "12px system-ui" };
  const accent = colour("accent");
  /** @type {Record<string, unknown>[]} */
  const series = [
    {},
    { label: place.dataset.label ?? "", stroke: accent, width: 2, fill: colour("accent-wash") + "b0",
      value: (/** @type {unknown} */ _, /** @type {number | null} */ value) => write.exact(value) },
  ];
  const data = [times, main];
  if (second) {
    series.push({ label: place.dataset.secondLabel ?? "", stroke: colour("line-strong"), width: 1.5, dash: [5, 4],
      value: (/** @type {unknown} */ _, /** @type {number | null} */ value) => write.exact(value) });
    data.push(second);
  }
  const plot = new globalThis.uPlot(
    {
      ...sizeOf(place),
      padding: [12, 8, 0, 14],
      tzDate: (/** @type {number} */ seconds) => globalThis.uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      series,
      axes: [axis, { ...axis, side: 1, size: 72, values: (/** @type {unknown} */ _, /** @type {number[]} */ splits) => splits.map(write.axis) }],
      cursor: { points: { size: 8, fill: accent }, drag: { x: true, y: false } },
      legend: { live: true },
    },
    data,
    place,
  );
  drawn.set(place, plot);
  observer.observe(place);
}

/** Draw what is new, and forget what has left the page. */
function refresh() {
  for (const [place, plot] of drawn) {
    if (!place.isConnected) {
      plot.destroy();
      observer.unobserve(place);
      drawn.delete(place);
    }
  }
  for (const place of document.querySelectorAll(".plot[data-times]")) {
    if (place instanceof HTMLElement && !drawn.has(place)) draw(place);
  }
}

/** Colours are read when a plot is drawn: another theme draws all anew. */
function redraw() {
  for (const plot of drawn.values()) plot.destroy();
  drawn.clear();
  refresh();
}

refresh();
document.body.addEventListener("htmx:afterSettle", refresh);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
