import { createTransport } from "nodemailer";
import { Undeliverable, type Letter, type Post } from "../core/auth/letters.ts";
import { LIMITS } from "../limits.ts";

/** A letter in words. */
export type Written = { subject: string; text: string; html: string };

/** What nodemailer says of an answer of the server's. */
type Failure = Error & { responseCode?: number; code?: string };

/**
 * Hands letters to a mail server (RFC 5321). Where a password is given it goes over TLS alone, but on the machine itself. Each
 * letter has a connection of its own, with a time limit, so that a server that hangs holds nothing else.
 */
export function createPost({
  url,
  from,
  write,
}: {
  url: string;
  from: string;
  write: (letter: Letter) => Written;
}): Post {
  const { protocol, hostname, port, username, password } = new URL(url);
  const isHere = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
  const isSecure = protocol === "smtps:";
  const transport = createTransport({
    host: hostname.replaceAll(/[[\]]/g, ""),
    port: port === "" ? (isSecure ? 465 : 587) : Number(port),
    secure: isSecure,
    ...(username !== "" && {
      auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) },
      requireTLS: !isSecure && !isHere,
    }),
    // A certificate says nothing of the machine itself.
    ...(isHere && { tls: { rejectUnauthorized: false } }),
    dnsTimeout: LIMITS.smtpWaitMs,
    connectionTimeout: LIMITS.smtpWaitMs,
    greetingTimeout: LIMITS.smtpWaitMs,
    socketTimeout: LIMITS.smtpWaitMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return async (letter) => {
    const { subject, text, html } = write(letter);
    try {
      await transport.sendMail({
        from,
        // As an object, an address is never taken for a list of them.
        to: { name: "", address: letter.to },
        subject,
        text,
        html,
        headers: { "Auto-Submitted": "auto-generated" },
      });
    } catch (error) {
      const { responseCode = 0, code } = error as Failure;
      // What is wrong with the letter or its reader does not get better; what is wrong with the way there does.
      const isForGood = responseCode >= 500 && code === "EENVELOPE";
      // In the server's words there may be the address.
      const cause = responseCode > 0 ? `${code} ${responseCode}` : String(error);
      throw isForGood ? new Undeliverable(cause) : new Error(cause);
    }
  };
}
