import { UNANSWERED } from "./client.ts";
import type { Kind } from "./proxy.ts";

export const NGINX: Kind = {
  program: "nginx",
  language: "nginx",
  command: (file) => ["nginx", "-c", file],
  replaced: ({ port }) => [["listen 443 ssl", `listen [::1]:${port} ssl`]],
  around: ({ folder }) => [
    [
      `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/errors;`,
      "events {} http { access_log off;",
      ...["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
        (name) => `${name}_temp_path ${folder}/${name};`,
      ),
    ].join("\n"),
    "}",
  ],
  whileAway: { GET: [502], POST: [502] },
};

export const CADDY: Kind = {
  program: "caddy",
  language: "caddyfile",
  command: (file) => ["caddy", "run", "--config", file, "--adapter", "caddyfile"],
  // With a certificate of its own making.
  replaced: ({ port, pem }) => [
    ["auth.example.com {", `https://localhost:${port} {\n bind [::1]\n tls ${pem} ${pem}`],
  ],
  around: () => ["{\n admin off\n auto_https disable_redirects\n}\n", ""],
  // A body that was begun is not sent a second time.
  whileAway: { GET: [], POST: [502] },
};

export const HAPROXY: Kind = {
  program: "haproxy",
  language: "haproxy",
  command: (file) => ["haproxy", "-db", "-f", file],
  replaced: ({ port }) => [["bind :::443 v4v6", `bind ::1:${port}`]],
  whileAway: { GET: [], POST: [UNANSWERED, 502] },
  ofStreamedBodies: [UNANSWERED],
};

const MODULES = "mpm_event alias authz_core socache_shmcb ssl http2 proxy proxy_http".split(" ");

export const APACHE: Kind = {
  program: "apache2",
  language: "apache",
  command: (file) => ["apache2", "-DFOREGROUND", "-f", file],
  replaced: ({ port }) => [["*:443", `[::1]:${port}`]],
  around: ({ folder, port }) => [
    [
      `Listen [::1]:${port}\nServerName localhost\nServerRoot ${folder}\nPidFile ${folder}/pid\nErrorLog ${folder}/errors`,
      "User www-data\nGroup www-data",
      ...MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
      "",
    ].join("\n"),
    "",
  ],
  whileAway: { GET: [UNANSWERED, 500, 502, 503], POST: [UNANSWERED, 500, 502, 503] },
  ofStreamedBodies: [502],
};

export const LIGHTTPD: Kind = {
  program: "lighttpd",
  language: "lighttpd",
  command: (file) => ["lighttpd", "-D", "-f", file],
  replaced: ({ port, duetPort, folder }) => [
    ['"/var/www"', `"${folder}"`],
    ["server.port = 443", `server.port = ${port}\nserver.bind = "[::1]"`],
    ['"port" => 3000', `"port" => ${duetPort}`],
  ],
  whileAway: { GET: [500, 503], POST: [500, 503] },
  isBackLater: true,
  ofStreamedBodies: [411],
};

export const KINDS = [NGINX, CADDY, HAPROXY, APACHE, LIGHTTPD];
