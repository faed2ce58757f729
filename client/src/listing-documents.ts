/**
 * The listings of models that definitions lead to, as documents that no file holds: the server writes them, this gives
 * them to VS Code and has them read again when a model changes on disk. Knows nothing of what they say.
 */
import { Disposable, EventEmitter, type TextDocumentContentProvider, type Uri, workspace } from 'vscode';

const SCHEME = 'onnx-precision-listing';

export class ListingDocuments implements TextDocumentContentProvider, Disposable {
  private readonly changed = new EventEmitter<Uri>();
  readonly onDidChange = this.changed.event;
  private readonly subscriptions: Disposable;

  /** @param listingAt the text at an address; null or undefined where there is none */
  constructor(private readonly listingAt: (uri: string) => Promise<string | null | undefined>) {
    const models = workspace.createFileSystemWatcher('**/*.onnx');
    this.subscriptions = Disposable.from(
      workspace.registerTextDocumentContentProvider(SCHEME, this),
      models,
      models.onDidChange((model) => {
        this.changed.fire(model.with({ scheme: SCHEME }));
      }),
      this.changed,
    );
  }

  async provideTextDocumentContent(uri: Uri): Promise<string> {
    const text = await this.listingAt(uri.toString());
    // VS Code shows the message in place of the document.
    if (text === null || text === undefined) throw new Error(`No model can be read at ${uri.fsPath}.`);
    return text;
  }

  /** Reads again what is open: for a server that has begun anew. */
  refresh(): void {
    for (const { uri } of workspace.textDocuments) {
      if (uri.scheme === SCHEME) this.changed.fire(uri);
    }
  }

  dispose(): void {
    this.subscriptions.dispose();
  }
}
