/** Bytes and their texts: UTF-8, hex and base64, each strict, so that a value has one text. */

import { VerificationError } from "./errors.ts";

export type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

export function utf8(text: string): Bytes {
  return encoder.encode(text);
}

/** The text of UTF-8 bytes; a byte order mark is a character of it. Throws VerificationError. */
export function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new VerificationError("is not text in UTF-8");
  }
}

export function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX[byte];
  return text;
}

/** The bytes of lowercase or uppercase hex digits, of which there is an even number. */
export function fromHex(text: string): Bytes {
  const bytes = new Uint8Array(text.length / 2);
  for (let at = 0; at < bytes.length; at++) bytes[at] = Number.parseInt(text.slice(2 * at, 2 * at + 2), 16);
  return bytes;
}

export function concat(...parts: Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

/** Standard base64 (RFC 4648 section 4). */
export function base64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** The bytes (`size` of them) of canonical standard base64. Throws VerificationError. */
export function fromBase64(text: unknown, size?: number): Bytes {
  const binary = typeof text === "string" ? binaryOf(text) : null;
  if (binary === null) throw new VerificationError("has base64 that is not canonical");
  if (size !== undefined && binary.length !== size) {
    throw new VerificationError(`has ${binary.length} bytes in base64 where ${size} should be`);
  }
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

function binaryOf(text: string): string | null {
  try {
    const binary = atob(text);
    return btoa(binary) === text ? binary : null;
  } catch {
    return null;
  }
}
