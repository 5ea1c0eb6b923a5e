/**
 * The live tail over a WebSocket: subscribes, tells each new record once, and after a cut goes on where it was.
 * Source: docs/api/live-tail.md.
 */
import { signal } from "@preact/signals";
import { config } from "./config.ts";
import { type Frame, type LiveRecord, pauseBefore, Reader } from "./frames.ts";
import { accessToken, hasExpired, signIn } from "./session.ts";

export type LiveState = "off" | "connecting" | "live" | "lost";

const PING_SECONDS = 20;
const SILENT_SECONDS = 60; // a connection without a frame for so long is dead

export interface Subscription {
  readonly audit?: Readonly<Record<string, string>>;
  readonly logs?: Readonly<Record<string, unknown>>;
  readonly tenantId?: string;
}

export class LiveTail {
  readonly state = signal<LiveState>("off");
  /** Why a subscription was refused, for people; empty where it was not. */
  readonly problem = signal("");
  /** Records that the server left out since it was opened. */
  readonly dropped = signal(0);

  private reader = new Reader();
  private socket: WebSocket | undefined;
  private ping: number | undefined;
  private silence: number | undefined;
  private retry: number | undefined;
  private attempt = 0;
  private wanted: Subscription | undefined;
  private readonly onRecords: (records: LiveRecord[]) => void;
  private readonly onBegin: () => void;

  /** `onBegin`: the subscription begins; what is stored from now on goes to `onRecords`. */
  constructor(onRecords: (records: LiveRecord[]) => void, onBegin: () => void) {
    this.onRecords = onRecords;
    this.onBegin = onBegin;
  }

  open(subscription: Subscription): void {
    this.close();
    this.wanted = subscription;
    this.reader = new Reader();
    this.dropped.value = 0;
    this.attempt = 0;
    void this.connect("connecting");
  }

  close(): void {
    this.wanted = undefined;
    this.drop();
    this.state.value = "off";
    this.problem.value = "";
  }

  private async connect(state: LiveState): Promise<void> {
    const wanted = this.wanted;
    this.state.value = state;
    const { liveUrl } = await config();
    if (!wanted || wanted !== this.wanted) return; // closed, or opened for something else meanwhile
    if (hasExpired()) return signIn("none").catch(() => this.again()); // the view is in the URL and comes back
    const socket = new WebSocket(`${liveUrl}?token=${encodeURIComponent(accessToken())}`);
    this.socket = socket;
    this.watch();
    socket.onopen = () => {
      const after = Object.keys(this.reader.position).length ? { after: this.reader.position } : {};
      socket.send(JSON.stringify({ action: "subscribe", ...wanted, ...after }));
      this.ping = setInterval(() => socket.send('{"action":"ping"}'), PING_SECONDS * 1000);
      this.watch();
    };
    socket.onmessage = (event) => {
      this.watch();
      this.take(JSON.parse(String(event.data)) as Frame);
    };
    socket.onclose = () => {
      if (socket === this.socket) this.again();
    };
  }

  private take(frame: Frame): void {
    if (frame.type === "refused") {
      this.problem.value = frame.problem?.detail ?? "The live view was refused.";
      if (frame.retryAfter === undefined) this.wanted = undefined;
      this.socket?.close();
      return;
    }
    const began = frame.type === "subscribed" && !Object.keys(this.reader.position).length;
    const records = this.reader.take(frame);
    this.dropped.value += (frame.dropped ?? []).reduce((sum, range) => sum + range.to - range.from + 1, 0);
    if (frame.type === "subscribed") {
      this.attempt = 0;
      this.problem.value = "";
      this.state.value = "live";
    }
    if (began) this.onBegin();
    if (records.length) this.onRecords(records);
  }

  /** Takes a connection for dead where no frame comes for a while. */
  private watch(): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.socket?.close(), SILENT_SECONDS * 1000);
  }

  private again(): void {
    this.drop();
    if (!this.wanted) {
      this.state.value = "off";
      return;
    }
    this.state.value = "lost";
    const wait = pauseBefore(this.attempt++, Math.random()) * 1000;
    this.retry = setTimeout(() => void this.connect("lost"), wait);
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = undefined;
    clearInterval(this.ping);
    clearTimeout(this.silence);
    clearTimeout(this.retry);
    socket?.close();
  }
}
