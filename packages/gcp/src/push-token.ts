// Who may push: Pub/Sub signs every request with an OIDC token of the service account that its subscription names. Checked are
// the signature by Google's certificates, the issuer, the audience, the times, and that the account is one of ours: anybody
// with a Google account can get a valid token for any audience.
// https://docs.cloud.google.com/pubsub/docs/authenticate-push-subscriptions
import { OAuth2Client } from 'google-auth-library';
import { messageOf } from './resource-report.ts';

export type PushVerifierOptions = {
  /** As the subscription has it, by default the endpoint's URL. */
  readonly audience: string;
  /** E-mail addresses of the accounts whose tokens are taken. */
  readonly serviceAccounts: readonly string[];
  /** Keeps Google's certificates for as long as they may be kept. */
  readonly client?: OAuth2Client;
};

export type PushVerification = { readonly ok: true } | { readonly ok: false; readonly status: 401 | 403 | 503; readonly why: string };
export type PushVerifier = (authorization: string | undefined) => Promise<PushVerification>;

/** Of the fetch of the certificates: a request waits for it. */
const certificatesTimeoutMs = 5_000;

export const createPushVerifier = (options: PushVerifierOptions): PushVerifier => {
  const client = options.client ?? new OAuth2Client({ transporterOptions: { timeout: certificatesTimeoutMs } });
  const serviceAccounts = new Set(options.serviceAccounts);
  return async (authorization) => {
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]*)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) return refuse(401, 'no bearer token of three parts in the Authorization header');
    const certificates = await client.getFederatedSignonCertsAsync().then(
      ({ certs }) => ({ certs }),
      (error: unknown) => ({ problem: messageOf(error) }),
    );
    // Nobody's token is bad because of that: Pub/Sub comes again.
    if ('problem' in certificates) return refuse(503, certificates.problem);
    try {
      const ticket = await client.verifySignedJwtWithCertsAsync(token, certificates.certs, options.audience, client.issuers);
      const { email, email_verified: isVerified } = ticket.getPayload() ?? {};
      if (email === undefined || isVerified !== true) return refuse(403, 'the token names no verified e-mail address');
      return serviceAccounts.has(email) ? { ok: true } : refuse(403, `${email} is none of the service accounts that may push`);
    } catch (error) {
      return refuse(401, explain(messageOf(error)));
    }
  };
};

const refuse = (status: 401 | 403 | 503, why: string): PushVerification => ({ ok: false, status, why });

/** The library's messages hold the token, which belongs in no log and no answer. */
const explanations: readonly (readonly [RegExp, string])[] = [
  [/^Can't parse token/, 'the token can not be parsed'],
  [/^No pem found/, 'the token is signed by a key that is none of Google’s'],
  [/^Invalid token signature/, 'the signature of the token is wrong'],
  [/^Token used too late/, 'the token has expired'],
  [/^Token used too early/, 'the token is not valid yet'],
  [/^Invalid issuer/, 'the token is not issued by Google'],
  [/^Wrong recipient/, 'the token is meant for another audience'],
  [/^(No (issue|expiration) time|iat field|exp field|Expiration time too far)/, 'the times in the token are wrong'],
];

const explain = (message: string): string => explanations.find(([pattern]) => pattern.test(message))?.[1] ?? 'the token can not be verified';
