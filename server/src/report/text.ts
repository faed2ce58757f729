/** Numbers and texts as the page writes them. Pure. */
export { formatNumber, formatPercent, formatPower } from '../analysis/index.js';

/** Text as HTML content or as a quoted attribute. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** Two digits of what is too short for hundredths to tell. */
export function formatMilliseconds(value: number): string {
  const size = Math.abs(value);
  if (size > 0 && size < 0.1) return `${Number(value.toPrecision(2))} ms`;
  return `${value.toFixed(value < 10 ? 2 : 1)} ms`;
}

/** What a run in FP32 is predicted to take. `estimated`: layers of it that nobody measured in FP32, which is said. */
export function inFp32(milliseconds: number, estimated = 0): string {
  const layers = `${estimated} ${estimated === 1 ? 'layer' : 'layers'}`;
  const doubt = estimated === 0 ? '' : ` (an estimate: ${layers} by the roofline, not profiled in FP32)`;
  return `in FP32 ${formatMilliseconds(milliseconds)}${doubt}`;
}

export function formatSize(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} KB` : `${(bytes / 1e6).toFixed(2)} MB`;
}
