// Draws every `.plot` with uPlot. A plot names its numbers in attributes: data-times (seconds), data-value and a second line,
// or the five of candles with their bands; "-" is no value. Amounts are text for people and for the table; here they are
// only pixels.
import { drawCandles } from "./candles.js";

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

/** The language of the page's days: in English without the order that only Americans expect, as the pages have them. */
const calendar = () => (document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang);

/** How the days of an axis are written: with the year where a year begins, with the hour where they are hours. @param {number[]} splits */
function dates(splits) {
  const locale = calendar();
  const step = splits.length > 1 ? splits[1] - splits[0] : 86_400;
  const year = new Intl.DateTimeFormat(locale, { year: "numeric", timeZone: "UTC" });
  const month = new Intl.DateTimeFormat(locale, { month: "short", timeZone: "UTC" });
  const day = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" });
  const hour = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit", timeZone: "UTC" });
  return (/** @type {number} */ at) => {
    const date = new Date(at * 1000);
    if (step < 86_400) return date.getUTCHours() || date.getUTCMinutes() ? hour.format(date) : day.format(date);
    if (step < 27 * 86_400) return day.format(date);
    return date.getUTCMonth() ? month.format(date) : year.format(date);
  };
}

/** How one moment is written: with the hour where some are not midnight. @param {(number | null)[]} times in seconds */
function moments(times) {
  const isDaily = times.every((at) => (at ?? 0) % 86_400 === 0);
  return new Intl.DateTimeFormat(calendar(), { dateStyle: "medium", timeZone: "UTC", ...(isDaily ? {} : { timeStyle: "short" }) });
}

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
    plain: (value) => (value === null ? "–" : new Intl.NumberFormat(locale, { notation: "compact", maximumSignificantDigits: 4 }).format(value)),
    /** @param {number | null} value */
    exact: (value) => (value === null ? "–" : (Math.abs(value) >= 1 ? large : small).format(value)),
  };
}

const CANDLE = /** @type {const} */ (["open", "high", "low", "close"]);
const BANDS = /** @type {const} */ (["upper", "middle", "lower"]);

/** Series, data and hooks of candles. @param {HTMLElement} place @param {ReturnType<typeof writers>} write */
function candles(place, write) {
  const said = place.dataset;
  const filled = new Set(numbers(said.filled).map(Number));
  const value = (/** @type {unknown} */ _, /** @type {number | null} */ each) => write.exact(each);
  const words = (said.labels ?? "").split("|");
  /** @type {Record<string, unknown>[]} */
  const series = CANDLE.map((_, index) => ({ label: words[index], paths: () => null, points: { show: false }, value }));
  const data = CANDLE.map((name) => numbers(said[name]));
  series.push({ label: words[4], scale: "volume", paths: () => null, points: { show: false }, value: (/** @type {unknown} */ _, /** @type {number | null} */ each) => write.plain(each) });
  data.push(numbers(said.volume));
  if (said.upper) {
    BANDS.forEach((name, index) => {
      series.push({ label: words[5 + index], stroke: colour("line-strong"), width: 1, dash: name === "middle" ? [] : [3, 3], points: { show: false }, value });
      data.push(numbers(said[name]));
    });
  }
  const draw = drawCandles({ up: colour("up"), down: colour("down"), quiet: colour("quiet") }, filled);
  return { series, data, hooks: { draw: [draw] } };
}

/** Series and data of lines. @param {HTMLElement} place @param {ReturnType<typeof writers>} write */
function lines(place, write) {
  const value = (/** @type {unknown} */ _, /** @type {number | null} */ each) => write.exact(each);
  /** @type {Record<string, unknown>[]} */
  const series = [{ label: place.dataset.label ?? "", stroke: colour("accent"), width: 2, fill: colour("accent-wash") + "b0", value }];
  const data = [numbers(place.dataset.value)];
  if (place.dataset.second) {
    series.push({ label: place.dataset.secondLabel ?? "", stroke: colour("line-strong"), width: 1.5, dash: [5, 4], value });
    data.push(numbers(place.dataset.second));
  }
  return { series, data, hooks: {} };
}

/** While nobody points at a day, the legend tells the newest. @param {Plot} plot */
const tellNewest = (plot) => plot.setLegend({ idx: plot.data[0].length - 1 });

/** @param {HTMLElement} place */
function draw(place) {
  const times = numbers(place.dataset.times);
  const write = writers(place.dataset.currency ?? "");
  const { series, data, hooks } = place.dataset.open ? candles(place, write) : lines(place, write);
  const grid = { stroke: colour("line"), width: 1 };
  const axis = { stroke: colour("quiet"), grid, ticks: { show: false }, font: "12px system-ui" };
  const moment = moments(times);
  const plot = new globalThis.uPlot(
    {
      ...sizeOf(place),
      padding: [12, 8, 0, 22],
      tzDate: (/** @type {number} */ seconds) => globalThis.uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      series: [{ label: place.dataset.time ?? "", value: (/** @type {unknown} */ _, /** @type {number | null} */ at) => (at === null ? "–" : moment.format(at * 1000)) }, ...series],
      hooks: { ...hooks, ready: [tellNewest] },
      axes: [{ ...axis, space: 76, size: 34, values: (/** @type {unknown} */ _, /** @type {number[]} */ splits) => splits.map(dates(splits)) }, { ...axis, side: 1, size: 72, values: (/** @type {unknown} */ _, /** @type {number[]} */ splits) => splits.map(write.axis) }],
      cursor: { points: { size: 8, fill: colour("accent") }, drag: { x: true, y: false } },
      legend: { live: true },
    },
    [times, ...data],
    place,
  );
  plot.over.addEventListener("mouseleave", () => tellNewest(plot));
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
