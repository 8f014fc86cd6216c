// Candles, volume and Bollinger bands for uPlot: drawn into the plot's own canvas, so that zoom and cursor are its own.

/** @typedef {{ ctx: CanvasRenderingContext2D, data: (number | null)[][], bbox: { left: number, top: number, width: number, height: number }, scales: { x: { min: number, max: number } }, valToPos(value: number, scale: string, canvas: boolean): number }} Drawn */
/** @typedef {{ up: string, down: string, quiet: string }} Colours */

const OPEN = 1, HIGH = 2, LOW = 3, CLOSE = 4, VOLUME = 5;
const LARGEST_PART = 0.22;

/** How wide a candle is: a part of the least distance between two. @param {Drawn} plot */
function widthOf(plot) {
  const times = /** @type {number[]} */ (plot.data[0]);
  const { min, max } = plot.scales.x;
  const shown = times.filter((at) => at >= min && at <= max).length || 1;
  return Math.max(1, Math.min(14 * devicePixelRatio, (plot.bbox.width / shown) * 0.68));
}

/** @param {Colours} colours @param {Set<number>} filled */
export const drawCandles = (colours, filled) => (/** @type {Drawn} */ plot) => {
  const { ctx, bbox, data } = plot;
  const width = widthOf(plot);
  const volumes = /** @type {number[]} */ ((data[VOLUME] ?? []).filter((each) => each !== null));
  const most = Math.max(1, ...volumes);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  data[0].forEach((at, index) => {
    const [open, high, low, close] = [OPEN, HIGH, LOW, CLOSE].map((row) => data[row][index]);
    if (at === null || open === null || high === null || low === null || close === null) return;
    const x = plot.valToPos(at, "x", true);
    if (x < bbox.left - width || x > bbox.left + bbox.width + width) return;
    const y = (/** @type {number} */ value) => plot.valToPos(value, "y", true);
    const colour = filled.has(index) ? colours.quiet : close >= open ? colours.up : colours.down;
    const volume = data[VOLUME]?.[index];
    ctx.fillStyle = ctx.strokeStyle = colour;
    if (volume) {
      const height = (volume / most) * bbox.height * LARGEST_PART;
      ctx.globalAlpha = 0.28;
      ctx.fillRect(x - width / 2, bbox.top + bbox.height - height, width, height);
      ctx.globalAlpha = 1;
    }
    ctx.lineWidth = Math.max(1, devicePixelRatio);
    ctx.beginPath();
    ctx.moveTo(x, y(high));
    ctx.lineTo(x, y(low));
    ctx.stroke();
    const top = y(Math.max(open, close));
    // A day that was not traded is hollow: its price was carried on.
    if (filled.has(index)) ctx.strokeRect(x - width / 2, top - 1, width, 2);
    else ctx.fillRect(x - width / 2, top, width, Math.max(1, y(Math.min(open, close)) - top));
  });
  ctx.restore();
};
