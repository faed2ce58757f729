/**
 * An item of the status bar about the plan in view, hidden where there is nothing to show. Knows neither what is known of a plan
 * nor how it reads.
 */
import {
  type AccessibilityInformation,
  type Disposable,
  StatusBarAlignment,
  type StatusBarItem,
  type ThemeColor,
  window,
} from 'vscode';
import { activePlan } from './plans-in-view.js';

/** How the item looks. */
export interface Look {
  readonly text: string;
  readonly tooltip: string;
  readonly accessibility: AccessibilityInformation;
  readonly background?: ThemeColor | undefined;
}

export interface PlanItemParts<State> {
  readonly id: string;
  readonly name: string;
  /** What a click does. */
  readonly command: string;
  /** Of two items the one with more stands further to the left. */
  readonly priority: number;
  /** Undefined to hide the item. */
  readonly lookOf: (path: string, state: State | undefined) => Look | undefined;
}

export class PlanItem<State> implements Disposable {
  private readonly item: StatusBarItem;
  private readonly lookOf: PlanItemParts<State>['lookOf'];
  /** By path of a plan. */
  private readonly states = new Map<string, State>();
  private readonly listening = window.onDidChangeActiveTextEditor(() => {
    this.update();
  });

  constructor({ id, name, command, priority, lookOf }: PlanItemParts<State>) {
    this.item = window.createStatusBarItem(id, StatusBarAlignment.Right, priority);
    this.item.name = name;
    this.item.command = command;
    this.lookOf = lookOf;
  }

  show(path: string, state: State): void {
    this.states.set(path, state);
    this.update();
  }

  /** For a server that ended: nothing is going on any more. */
  clear(): void {
    this.states.clear();
    this.update();
  }

  update(): void {
    const path = activePlan()?.uri.fsPath;
    const look = path === undefined ? undefined : this.lookOf(path, this.states.get(path));
    if (look === undefined) {
      this.item.hide();
      return;
    }
    this.item.text = look.text;
    this.item.tooltip = look.tooltip;
    this.item.accessibilityInformation = look.accessibility;
    this.item.backgroundColor = look.background;
    this.item.show();
  }

  dispose(): void {
    this.listening.dispose();
    this.item.dispose();
  }
}
