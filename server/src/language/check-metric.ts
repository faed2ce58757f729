/**
 * Tolerances: the metric is known and has what it needs, the comparison points the way that is better. Knows the
 * table of metrics; not how one is computed, nor which output it suits.
 */
import { checkOptions } from './check-options.js';
import { checkNumber } from './check-values.js';
import { type Complaints, excerpt, listed, replaceWith } from './complaints.js';
import { findOption } from './statements.js';
import { suggestName } from './suggest.js';
import type { ToleranceStatement } from './tree.js';
import { METRICS, type MetricTerm, type OptionTerm, TOLERANCE_OPTIONS } from './vocabulary.js';

const NAMES = METRICS.map((metric) => metric.name);

/** The options of all metrics: what may stand in braces while the metric is misspelt. */
const ALL_OPTIONS: readonly OptionTerm[] = [
  ...TOLERANCE_OPTIONS,
  ...METRICS.flatMap((metric) => metric.options),
];

/** Thresholds that a quick fix starts from: what papers on landmarks and masks report. */
const USUAL_THRESHOLDS: ReadonlyMap<string, string> = new Map([
  ['pck', '0.05'],
  ['iou', '0.5'],
]);

/** `ownMetrics` are the names that `metric` statements of the same file define. */
export function checkTolerance(
  statement: ToleranceStatement,
  ownMetrics: ReadonlySet<string>,
  complaints: Complaints,
): void {
  const { metric } = statement;
  if (metric === undefined) {
    checkOptions('tolerance', statement.options, ALL_OPTIONS, complaints);
    return;
  }
  const name = metric.kind === 'call' ? metric.name : metric;
  if (ownMetrics.has(name.text)) {
    checkOptions(name.text, statement.options, TOLERANCE_OPTIONS, complaints);
    return;
  }
  const term = METRICS.find((candidate) => candidate.name === name.text);
  if (term === undefined) {
    complaints.error('unknown-metric', name.range, () => ({
      message: `\`${excerpt(name.text)}\` is no metric. Metrics are ${listed(NAMES, 'and')}; your own need a \`metric\` statement.`,
      fixes: suggestName(name.text, name.range, NAMES),
    }));
    checkOptions('tolerance', statement.options, ALL_OPTIONS, complaints);
    return;
  }
  checkThreshold(metric, term, complaints);
  checkLandmarks(statement, metric, term, complaints);
  checkDirection(statement, term, complaints);
  checkOptions(term.name, statement.options, [...TOLERANCE_OPTIONS, ...term.options], complaints);
}

type Metric = NonNullable<ToleranceStatement['metric']>;

function checkThreshold(metric: Metric, term: MetricTerm, complaints: Complaints): void {
  const given = metric.kind === 'call' ? metric.items : [];
  if (!term.threshold) {
    if (metric.kind === 'call') {
      complaints.error('unknown-metric', metric.range, () => ({
        message: `\`${term.name}\` has no threshold in parentheses.`,
        fixes: [replaceWith(metric.range, term.name)],
      }));
    }
    return;
  }
  const [threshold] = given;
  if (threshold === undefined || given.length > 1) {
    const example = `${term.name}(${USUAL_THRESHOLDS.get(term.name) ?? '0.5'})`;
    complaints.error('unknown-metric', metric.range, () => ({
      message: `\`${term.name}\` needs one threshold: \`${example}\`.`,
      fixes: [replaceWith(metric.range, example)],
    }));
    return;
  }
  checkNumber(`\`${term.name}\``, threshold, term.landmarks ? { above: 0 } : {}, complaints);
}

function checkLandmarks(
  statement: ToleranceStatement,
  metric: Metric,
  term: MetricTerm,
  complaints: Complaints,
): void {
  if (!term.landmarks) return;
  const missing = term.options.filter((option) => findOption(statement, option.name) === undefined);
  if (missing.length > 0) {
    const names = missing.map((option) => option.name);
    complaints.error('unknown-metric', metric.range, () => ({
      message:
        `\`${term.name}\` needs ${listed(names, 'and')} to find the landmarks, as in ` +
        '`{ points: 0..32, stride: 5, dims: 2, normalize: bbox }`.',
    }));
  }
  const stride = findOption(statement, 'stride')?.value;
  const dims = findOption(statement, 'dims')?.value;
  if (stride?.kind === 'number' && dims?.kind === 'number' && dims.value > stride.value) {
    complaints.error('number', dims.range, () => ({
      message: 'A landmark cannot have more coordinates than there are values from one landmark to the next.',
    }));
  }
}

function checkDirection(statement: ToleranceStatement, term: MetricTerm, complaints: Complaints): void {
  const { operator } = statement;
  if (operator === undefined || operator.text === term.operator) return;
  complaints.error('bad-direction', operator.range, () => ({
    message: `${term.operator === '<=' ? 'Less' : 'More'} is better for \`${term.name}\`: a tolerance on it is written with \`${term.operator}\`.`,
    fixes: [replaceWith(operator.range, term.operator)],
  }));
}
