/**
 * Networks that let only some of WebRTC through, as a page meets them, and the way its voice took.
 *
 * The product's pages know nothing of this: it wraps the browser's own peer connection before they load.
 *
 *   udp    the gateway's TCP candidates are taken out of its answers
 *   tcp    its UDP candidates are
 *   relay  only TURN is allowed
 *   any    nothing is taken away, and what the browser measures can be read
 */

/** Let every page of this person meet that network from now on. */
export async function meetNetwork(page, network) {
  await page.addInitScript((kind) => {
    const Native = window.RTCPeerConnection;
    const closed = { udp: /^a=candidate:\S+ \d+ tcp /i, tcp: /^a=candidate:\S+ \d+ udp /i }[kind];
    window.__peers = [];
    window.RTCPeerConnection = class extends Native {
      constructor(configuration) {
        super(kind === "relay" ? { ...configuration, iceTransportPolicy: "relay" } : configuration);
        window.__peers.push(this);
      }

      setRemoteDescription({ type, sdp }) {
        const lines = sdp.split("\r\n").filter((line) => !closed?.test(line));
        return super.setRemoteDescription({ type, sdp: lines.join("\r\n") });
      }
    };
  }, network);
}

/** Which candidates carry the newest peer connection of the page. */
export async function pathOf(page) {
  return page.evaluate(async () => {
    const report = await window.__peers.at(-1).getStats();
    const entries = new Map();
    report.forEach((entry) => {
      entries.set(entry.id, entry);
    });
    const transport = [...entries.values()].find((entry) => entry.type === "transport");
    const pair = entries.get(transport?.selectedCandidatePairId);
    const local = entries.get(pair?.localCandidateId);
    const remote = entries.get(pair?.remoteCandidateId);
    return {
      local: local?.candidateType,
      local_protocol: local?.protocol,
      relay_protocol: local?.relayProtocol ?? null,
      remote_protocol: remote?.protocol,
      remote_port: remote?.port,
      rtt_ms: Math.round((pair?.currentRoundTripTime ?? 0) * 1000),
    };
  });
}

/** How the page's own picture fares on its way out, by the browser's statistics (W3C webrtc-stats). */
export async function pictureOf(page) {
  return page.evaluate(async () => {
    const entries = [];
    (await window.__peers.at(-1).getStats()).forEach((entry) => {
      entries.push(entry);
    });
    const sent = entries.find((entry) => entry.type === "outbound-rtp" && entry.kind === "video");
    const pair = entries.find((entry) => entry.type === "candidate-pair" && entry.nominated);
    return {
      target_kbit_per_s: Math.round((sent?.targetBitrate ?? 0) / 1000),
      available_kbit_per_s: Math.round((pair?.availableOutgoingBitrate ?? 0) / 1000),
      width: sent?.frameWidth,
      height: sent?.frameHeight,
      frames_per_s: sent?.framesPerSecond,
      limited_by: sent?.qualityLimitationReason,
      limited_s: sent?.qualityLimitationDurations,
      codec: entries.find((entry) => entry.id === sent?.codecId)?.mimeType,
      whole_pictures: sent?.keyFramesEncoded,
      encode_ms: Math.round((1000 * (sent?.totalEncodeTime ?? 0)) / Math.max(1, sent?.framesEncoded ?? 0)),
      repaired_packets: sent?.retransmittedPacketsSent,
    };
  });
}
