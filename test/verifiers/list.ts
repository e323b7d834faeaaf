import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/app.ts";

export type Verifier = {
  name: string;
  /** What it has to be right about Duet's tokens, as its file beside this one says it. */
  told: string;
  /** Of what it comes in: a package of Debian, or one of npm, pinned. */
  version: { debian: string } | { npm: string[] };
  /** Its command, made ready once; null where its runtime is not at hand. */
  prepare(npm: string): Promise<string[] | null>;
  env?(): Record<string, string>;
  /** Fetches keys by https only. */
  isSecure?: true;
};

const HERE = import.meta.dir;
/** Where Debian has what is asked for by name. */
const PATH = "/usr/bin:/bin:/usr/sbin";
const ofDebian = (name: string) => Bun.which(name, { PATH });

const python = (file: string) => async () => {
  const command = ofDebian("python3");
  return command ? [command, "-B", join(HERE, "python", file)] : null;
};

const ruby = (file: string) => async () => {
  const command = ofDebian("ruby");
  return command ? [command, join(HERE, "ruby", file)] : null;
};

export const goEnvironment = () => ({
  GO111MODULE: "off",
  GOPATH: "/usr/share/gocode",
  GOCACHE: join(temporaryFolder(), "go"),
});

const go = (file: string) => async () => {
  const command = ofDebian("go");
  if (!command) return null;
  const made = join(temporaryFolder(), "service");
  const build = Bun.spawn([command, "build", "-o", made, join(HERE, "go", file)], {
    env: { PATH, ...goEnvironment() },
    stderr: "inherit",
  });
  return (await build.exited) === 0 ? [made] : null;
};

/** The scripts lie beside what they import. */
const node = (file: string) => async (npm: string) => {
  const command = Bun.which("node");
  if (!command) return null;
  for (const name of ["service.mjs", file])
    await Bun.write(join(npm, name), Bun.file(join(HERE, "node", name)));
  return [command, join(npm, file)];
};

function apacheEnvironment() {
  const folder = temporaryFolder();
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, "documents"));
  writeFileSync(join(folder, "documents/index.html"), "");
  return { FOLDER: folder, MODULES: "/usr/lib/apache2/modules" };
}

const KEYS_BY_HAND = "keys fetched by hand";
const NODE_TELLS = "`algorithms`, `issuer`, `audience`";

export const VERIFIERS: Verifier[] = [
  {
    name: "python-jose",
    told: `\`algorithms=[…]\`, \`issuer\`, \`audience\`; ${KEYS_BY_HAND}`,
    version: { debian: "python3-jose" },
    prepare: python("python_jose.py"),
  },
  {
    name: "PyJWT",
    told: "`algorithms=[…]`, `issuer`, `audience`; keys by its `PyJWKClient`",
    version: { debian: "python3-jwt" },
    prepare: python("pyjwt.py"),
  },
  {
    name: "Authlib",
    told: `\`JsonWebToken([…])\`, \`claims_options\`, \`validate()\`; ${KEYS_BY_HAND}`,
    version: { debian: "python3-authlib" },
    prepare: python("with_authlib.py"),
  },
  {
    name: "Flask-JWT-Extended",
    told: "`JWT_ALGORITHM`, `JWT_DECODE_ALGORITHMS`, `JWT_DECODE_ISSUER`, `JWT_DECODE_AUDIENCE`; a `decode_key_loader` with PyJWT's `PyJWKClient`; a handler for `PyJWTError`",
    version: { debian: "python3-python-flask-jwt-extended" },
    prepare: python("flask_extended.py"),
  },
  {
    name: "ruby-jwt",
    told: "`algorithms`, `iss` with `verify_iss`, `aud` with `verify_aud`; a `jwks` loader that fetches",
    version: { debian: "ruby-jwt" },
    prepare: ruby("ruby_jwt.rb"),
  },
  {
    name: "mod_auth_openidc",
    told: "`AuthType oauth20`, `OIDCOAuthVerifyJwksUri`, which must be https; `Require claim iss:…` and `aud:…` in `<RequireAll>`",
    version: { debian: "libapache2-mod-auth-openidc" },
    async prepare() {
      const command = ofDebian("apache2");
      return command ? [command, "-f", join(HERE, "apache.conf"), "-D", "FOREGROUND"] : null;
    },
    env: apacheEnvironment,
    isSecure: true,
  },
  {
    name: "golang-jwt",
    told: `\`ValidMethods\`, \`VerifyIssuer(…, true)\`, \`VerifyAudience(…, true)\`; ${KEYS_BY_HAND}`,
    version: { debian: "golang-github-golang-jwt-jwt-dev" },
    prepare: go("golang_jwt.go"),
  },
  {
    name: "go-oidc",
    told: "`SupportedSigningAlgs`, the audience as `ClientID`; `NewRemoteKeySet`",
    version: { debian: "golang-github-coreos-go-oidc-dev" },
    prepare: go("go_oidc.go"),
  },
  {
    name: "jose",
    told: `${NODE_TELLS}, \`typ\``,
    version: { npm: ["jose@6.2.18"] },
    prepare: node("jose.mjs"),
  },
  {
    name: "jsonwebtoken",
    told: `${NODE_TELLS}; keys by jwks-rsa`,
    version: { npm: ["jsonwebtoken@9.0.3", "jwks-rsa@4.1.0"] },
    prepare: node("jsonwebtoken.mjs"),
  },
  {
    name: "passport-jwt",
    told: `${NODE_TELLS}; keys by jwks-rsa`,
    version: { npm: ["passport-jwt@4.0.1", "jwks-rsa@4.1.0", "passport@0.7.0", "express@5.3.0"] },
    prepare: node("passport-jwt.mjs"),
  },
  {
    name: "express-jwt",
    told: `${NODE_TELLS}; keys by jwks-rsa`,
    version: { npm: ["express-jwt@8.5.1", "jwks-rsa@4.1.0", "express@5.3.0"] },
    prepare: node("express-jwt.mjs"),
  },
  {
    name: "@fastify/jwt",
    told: "`algorithms`, `allowedIss`, `allowedAud`, `checkTyp`, `decode: { complete: true }`; keys by get-jwks",
    version: { npm: ["@fastify/jwt@10.2.8", "get-jwks@11.0.3", "fastify@5.12.8"] },
    prepare: node("fastify-jwt.mjs"),
  },
  {
    name: "fast-jwt",
    told: `\`algorithms\`, \`allowedIss\`, \`allowedAud\`, \`checkTyp\`; ${KEYS_BY_HAND}`,
    version: { npm: ["fast-jwt@6.3.6"] },
    prepare: node("fast-jwt.mjs"),
  },
  {
    name: "aws-jwt-verify",
    told: "`issuer`, `audience`, `jwksUri`; a fetcher of one's own where Duet has no https",
    version: { npm: ["aws-jwt-verify@5.2.1"] },
    prepare: node("aws-jwt-verify.mjs"),
  },
  {
    name: "hono's `jwk`",
    told: '`alg`, and in `verification` `iss`, `aud` and `typ: "at+jwt"`, without which it refuses every token; it fetches the keys with every request',
    version: { npm: ["hono@4.13.19", "@hono/node-server@2.1.9"] },
    prepare: node("hono.mjs"),
  },
  {
    name: "express-oauth2-jwt-bearer",
    told: "`issuer`, `audience`, `jwksUri`, `tokenSigningAlg`, `strict`",
    version: { npm: ["express-oauth2-jwt-bearer@1.10.0", "express@5.3.0"] },
    prepare: node("express-oauth2-jwt-bearer.mjs"),
  },
];
