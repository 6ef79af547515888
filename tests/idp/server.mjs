// A real OpenID provider with two resources: tokens for urn:thali:signed are JWTs, those for urn:thali:opaque are not.
// Beside the protocol's own endpoints: POST /test/rotate publishes a new signing key; ?drop=1 takes the old ones out.
// It prints its address and lives as long as its standard input is open.
import { createServer } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';

const CLIENT = { client_id: 'shop', client_secret: process.env.IDP_CLIENT_SECRET };
const GATEWAY = { client_id: 'gate way', client_secret: process.env.IDP_GATEWAY_SECRET };
const LIFETIME = 300;
let rotations = 0;
let keys = [];

function newKey() {
  rotations += 1;
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kid: `key-${rotations}`, use: 'sig', alg: 'ES256' };
}

function provider(issuer) {
  const made = new Provider(issuer, {
    jwks: { keys },
    clients: [
      { ...CLIENT, grant_types: ['authorization_code', 'refresh_token', 'client_credentials'], redirect_uris: ['https://shop.example/cb'],
        id_token_signed_response_alg: 'ES256' },
      { ...GATEWAY, grant_types: [], response_types: [], redirect_uris: [], id_token_signed_response_alg: 'ES256' },
    ],
    scopes: ['openid', 'offline_access', 'orders:read', 'orders:write'],
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    cookies: { keys: ['of the tests alone'] },
    pkce: { required: () => true },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    issueRefreshToken: () => true,
    features: {
      devInteractions: { enabled: true },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true, allowedPolicy: (_, client) => client.clientId === GATEWAY.client_id },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_, resource) => ({
          scope: 'orders:read orders:write',
          audience: 'thali',
          accessTokenTTL: LIFETIME,
          accessTokenFormat: resource === 'urn:thali:signed' ? 'jwt' : 'opaque',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  });
  return made.callback();
}

keys = [newKey()];
let answer;
const introspections = { count: 0 };
const server = createServer((request, response) => {
  if (request.url.startsWith('/test/rotate')) {
    // the first key that fits is the one that signs
    keys = request.url.endsWith('drop=1') ? [newKey()] : [newKey(), ...keys];
    answer = provider(issuer);
    response.end(keys[0].kid);
  } else if (request.url === '/test/introspections') {
    response.end(String(introspections.count));
  } else {
    if (request.url === '/token/introspection') introspections.count += 1;
    answer(request, response);
  }
});
let issuer;
server.listen(0, '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  answer = provider(issuer);
  console.log(issuer);
});
process.stdin.on('end', () => process.exit(0)).resume();
