/** The rooms that import nothing of ours keep lists of their own; here they are held against each other. */
import { describe, expect, it } from 'vitest';
import { FORMAT_NAMES } from '../../server/src/formats/index.js';
import { FORMATS, METRICS, OBJECTIVES } from '../../server/src/language/index.js';
import { betterDirection, defaultAggregation, METRIC_NAMES } from '../../server/src/metrics/index.js';
import { OBJECTIVE_NAMES } from '../../server/src/search/index.js';

describe('the language and the rooms that compute', () => {
  it('know the same formats', () => {
    const named = FORMATS.map((one) => one.name).filter((name) => name !== 'original');
    expect(named.sort()).toEqual([...FORMAT_NAMES].sort());
  });

  it('know the same metrics, their directions and aggregations', () => {
    expect(METRICS.map((one) => one.name).sort()).toEqual([...METRIC_NAMES].sort());
    for (const metric of METRICS) {
      const name = METRIC_NAMES.find((one) => one === metric.name);
      if (name === undefined) throw new Error(`no metric ${metric.name}`);
      expect([metric.name, metric.operator]).toEqual([metric.name, betterDirection(name)]);
      expect([metric.name, metric.over]).toEqual([metric.name, defaultAggregation(name)]);
    }
  });

  it('know the objectives that the tuner has', () => {
    expect(OBJECTIVES.map((one) => one.name)).toEqual([...OBJECTIVE_NAMES]);
  });
});
