/**
 * One peer connection: microphone and camera, far voice and picture, data channel.
 *
 * Decides nothing about sessions; it makes offers, takes answers and says what it sees. The data
 * channel is opened from here (label `gateway`, ordered, reliable) and carries text both ways.
 * Leaves the microphone's light off as soon as it is closed.
 */

import { Emitter } from "./emitter";
import { type Inbound, inboundOf } from "./inbound";
import { Problem } from "./problem";
import type { IceServer, Kind } from "./wire";

const VOICE: MediaTrackConstraints = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
};

const PICTURE: MediaTrackConstraints = {
  width: { ideal: 640 },
  height: { ideal: 480 },
  frameRate: { ideal: 30 },
  facingMode: "user",
};

/**
 * Ask for the microphone and, `withCamera`, for the camera too; where there is no camera, or it may
 * not be used, the microphone alone. What a person said no to becomes a problem with a code.
 */
export async function openCapture(withCamera: boolean): Promise<MediaStream> {
  if (!navigator.mediaDevices) throw new Problem({ code: "insecure_page" });
  if (withCamera) {
    try {
      return await navigator.mediaDevices.getUserMedia({ audio: VOICE, video: PICTURE });
    } catch {
      // The voice matters more: what is wrong with the microphone is found out below.
    }
  }
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: VOICE, video: false });
  } catch (thrown) {
    const name = thrown instanceof DOMException ? thrown.name : "";
    if (name === "NotAllowedError" || name === "SecurityError") throw new Problem({ code: "mic_denied" });
    if (name === "NotFoundError") throw new Problem({ code: "mic_missing" });
    throw new Problem({ code: "mic_failed", detail: name });
  }
}

export class Peer {
  readonly connection: RTCPeerConnection;
  readonly channel: RTCDataChannel;
  readonly states = new Emitter<RTCPeerConnectionState>();
  readonly texts = new Emitter<string>();
  readonly channelOpened = new Emitter<void>();
  readonly voices = new Emitter<MediaStream>();

  constructor(kind: Kind, iceServers: IceServer[], microphone: MediaStream | null) {
    this.connection = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    this.channel = this.connection.createDataChannel("gateway", { ordered: true });
    this.channel.onopen = () => this.channelOpened.emit();
    this.channel.onmessage = (event) => {
      if (typeof event.data === "string") this.texts.emit(event.data);
    };
    this.connection.onconnectionstatechange = () => this.states.emit(this.connection.connectionState);
    this.connection.ontrack = (event) => this.voices.emit(event.streams[0] ?? new MediaStream([event.track]));
    if (kind === "text" || !microphone) return;
    for (const track of microphone.getTracks()) this.connection.addTrack(track, microphone);
    if (kind === "video" && microphone.getVideoTracks().length === 0) {
      this.connection.addTransceiver("video", { direction: "recvonly" });
    }
  }

  get state(): RTCPeerConnectionState {
    return this.connection.connectionState;
  }

  get isChannelOpen(): boolean {
    return this.channel.readyState === "open";
  }

  /** A new offer; `restart` asks for new ICE credentials on the same DTLS connection. */
  async offer(restart: boolean): Promise<string> {
    const offer = await this.connection.createOffer({ iceRestart: restart });
    await this.connection.setLocalDescription(offer);
    return this.connection.localDescription?.sdp ?? offer.sdp ?? "";
  }

  async take(answer: string): Promise<void> {
    await this.connection.setRemoteDescription({ type: "answer", sdp: answer });
  }

  /** The answer never came: go back to where an offer may be made again. */
  async withdraw(): Promise<void> {
    if (this.connection.signalingState === "have-local-offer") {
      await this.connection.setLocalDescription({ type: "rollback" });
    }
  }

  async inbound(): Promise<Inbound> {
    const report = await this.connection.getStats();
    const entries: Record<string, unknown>[] = [];
    report.forEach((entry: Record<string, unknown>) => {
      entries.push(entry);
    });
    return inboundOf(entries);
  }

  /** Send on the data channel; false where it is not open or already holds too much. */
  sendText(text: string): boolean {
    if (!this.isChannelOpen || this.channel.bufferedAmount > 256 * 1024) return false;
    this.channel.send(text);
    return true;
  }

  close(): void {
    this.connection.onconnectionstatechange = null;
    this.connection.ontrack = null;
    this.channel.onmessage = null;
    this.channel.onopen = null;
    this.connection.close();
  }
}
