/**
 * Keeps the live analysis told of what the open plans say, and the client told of numbers that changed: both at most
 * every tenth of a second, so that neither a fast typist nor a fast analysis floods the other side.
 */
import { CodeLensRefreshRequest, type Connection } from 'vscode-languageserver';
import { type LiveAnalysis, NOTHING_KNOWN, type PlanNumbers } from '../analysis/index.js';
import type { OpenPlan } from './open-plan.js';

const INTERVAL_MILLISECONDS = 100;

/** What the client's status item shows. */
export interface StatusNotification {
  readonly path: string;
  readonly state: PlanNumbers['state'];
  readonly message: string;
  /** From 0 to 1. */
  readonly progress: number | undefined;
}

export interface RefreshAbilities {
  readonly codeLens: boolean;
  readonly inlayHints: boolean;
}

export class LiveUpdates {
  private readonly changed = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  /** By path: what the client was last told, so that it is asked to ask again only when something differs. */
  private readonly told = new Map<string, PlanNumbers>();

  constructor(
    private readonly connection: Connection,
    private readonly live: LiveAnalysis,
    private readonly abilities: RefreshAbilities,
  ) {
    live.onChange((path) => {
      this.changed.add(path);
      this.timer ??= setTimeout(() => {
        this.timer = undefined;
        this.tell();
      }, INTERVAL_MILLISECONDS);
      this.timer.unref();
    });
  }

  /** A plan as it is now; one that cannot be bound to a model has nothing to analyse. */
  planChanged({ plan, path }: OpenPlan): void {
    if (plan !== undefined) this.live.update(plan);
    else if (path !== undefined) this.live.close(path);
  }

  planClosed(path: string): void {
    this.live.close(path);
    this.told.delete(path);
  }

  /** For settings that change what is shown. */
  refreshAll(): void {
    this.refresh(true, true);
  }

  private tell(): void {
    let hints = false;
    let lenses = false;
    for (const path of this.changed) {
      const now = this.live.numbers(path);
      const before = this.told.get(path) ?? NOTHING_KNOWN;
      this.told.set(path, now);
      hints ||= now.sensitivity !== before.sensitivity;
      lenses ||=
        hints || now.verdict !== before.verdict || now.ranges !== before.ranges || now.state !== before.state;
      const { state, message, progress } = now;
      const share =
        progress === undefined || progress.total === 0 ? undefined : progress.done / progress.total;
      const status: StatusNotification = { path, state, message, progress: share };
      this.ignoreRefusal(this.connection.sendNotification('onnxPrecision/status', status));
    }
    this.changed.clear();
    this.refresh(lenses, hints);
  }

  private refresh(lenses: boolean, hints: boolean): void {
    if (lenses && this.abilities.codeLens)
      this.ignoreRefusal(this.connection.sendRequest(CodeLensRefreshRequest.type));
    if (hints && this.abilities.inlayHints) this.ignoreRefusal(this.connection.languages.inlayHint.refresh());
  }

  /** A client that is closing refuses; what it would have shown is of no interest any more. */
  private ignoreRefusal(sending: Promise<unknown>): void {
    sending.catch((error: unknown) => {
      this.connection.console.log(`telling of numbers: ${String(error)}`);
    });
  }
}
