/**
 * A connection over this process's standard streams: as the library's own, with messages that are written a little at a
 * time. Knows no request but the one that announces the end.
 */
import { Console } from 'node:console';
import {
  type DataCallback,
  type Disposable,
  Message,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import type { Connection } from 'vscode-languageserver';
import { createConnection } from 'vscode-languageserver/node';
import { slicedJson } from './features/index.js';

/** Ends the process when its input does: with status 0 after `shutdown`, otherwise 1. */
export function connectStreams(): Connection {
  // What a library has to say must not come between two messages.
  globalThis.console = new Console(process.stderr, process.stderr);
  const reader = new ListeningReader(process.stdin);
  const writer = new StreamMessageWriter(process.stdout, { contentTypeEncoder: slicedJson });
  for (const event of ['end', 'close']) {
    process.stdin.on(event, () => {
      process.exit(reader.hasShutDown ? 0 : 1);
    });
  }
  return createConnection(reader, writer);
}

class ListeningReader extends StreamMessageReader {
  hasShutDown = false;

  override listen(callback: DataCallback): Disposable {
    return super.listen((message) => {
      if (Message.isRequest(message) && message.method === 'shutdown') this.hasShutDown = true;
      callback(message);
    });
  }
}
