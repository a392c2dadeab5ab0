// An OpenID Connect provider on a free port: its clients get JWTs for the resource `https://bursar.example` by their credentials.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const AUDIENCE = "https://bursar.example";
const SCOPES = "pay/refunds:write pay/charges:read pay/customers:write";

const key = (type, options, more) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: "jwk" }),
  use: "sig",
  ...more,
});

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "shop-server",
        client_secret: "a secret of forty characters, to be sure",
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      },
    ],
    jwks: {
      keys: [key("rsa", { modulusLength: 2048 }, { alg: "RS256", kid: "rsa" }), key("ed25519", {}, { alg: "EdDSA", kid: "ed" })],
    },
    scopes: SCOPES.split(" "),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        getResourceServerInfo: () => ({
          scope: SCOPES,
          audience: AUDIENCE,
          accessTokenFormat: "jwt",
          accessTokenTTL: 300,
          jwt: { sign: { alg: process.argv[2] ?? "RS256" } },
        }),
      },
    },
  });
  server.on("request", provider.callback());
  console.log(`listening on ${issuer}`);
});
