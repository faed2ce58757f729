/** Whether a server that ended by itself is started again. Knows neither VS Code nor the server. */

/** So many restarts are made without asking while they are not closer together than the window allows. */
const RESTARTS = 4;
const WINDOW_MILLISECONDS = 3 * 60 * 1000;

export class CrashHistory {
  private times: readonly number[] = [];

  /**
   * Takes note of an end that nobody asked for, and says what to do: five of them within three minutes are no accident,
   * and a server that dies as soon as it starts would otherwise be started forever.
   *
   * @param now milliseconds, on a clock that only goes forward
   */
  crashed(now: number): 'restart' | 'give up' {
    this.times = [...this.times.filter((time) => now - time < WINDOW_MILLISECONDS), now];
    return this.times.length <= RESTARTS ? 'restart' : 'give up';
  }
}
