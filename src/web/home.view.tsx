import { Code } from "./code.view.tsx";
import { Layout, type PageContext } from "./layout.view.tsx";
import { Pictures } from "./run.view.tsx";
import type { Story } from "./story.ts";
import { ColourKey } from "./timeline.view.tsx";

/** What Duet is, shown: the lab's picture, the code that a service needs, and how it differs. */
export const HomePage = ({ page, story }: { page: PageContext; story: Story }) => {
  const { home, tagline } = page.t;
  return (
    <Layout page={page} title={tagline} style="lab" className="home">
      <section class="hero">
        <h1>{tagline}</h1>
        <p class="lead">{home.lead}</p>
        <div class="actions">
          <form method="post" action="/auth/lab">
            <button type="submit">{home.tryLab}</button>
          </form>
          {page.viewer ? (
            <a class="button secondary" href="/conversations">
              {home.open}
            </a>
          ) : (
            <>
              <a class="button secondary" href="/conversations">
                {home.signIn}
              </a>
              <a class="button secondary" href="/register">
                {home.start}
              </a>
            </>
          )}
        </div>
      </section>
      <section aria-labelledby="lab-timeline" class="shown">
        <h2 id="lab-timeline">{home.picture}</h2>
        <Pictures page={page} story={story} motion="curtain" />
        <ColourKey page={page} />
        <p class="muted">{home.pictureNote}</p>
      </section>
      <section aria-labelledby="different" class="shown">
        <h2 id="different">{home.different}</h2>
        <div class="table" tabindex="0" role="group" aria-labelledby="different">
          <table>
            <thead>
              <tr>
                <td />
                {home.columns.map((name) => (
                  <th scope="col">{name}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {home.rows.map(([what, ...cells]) => (
                <tr>
                  <th scope="row">{what}</th>
                  {cells.map((cell) => (
                    <td>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
      <section aria-labelledby="protect" class="shown">
        <h2 id="protect">{home.protect}</h2>
        <Code page={page} text={protectedBy(page.origin)} />
        <p>
          <a href="/docs">{page.t.api.docs.title}</a>
        </p>
      </section>
    </Layout>
  );
};

/** All that a service needs, which asks nobody. */
const protectedBy = (duet: string) => `import { createRemoteJWKSet, jwtVerify } from "jose";
const keys = createRemoteJWKSet(new URL("${duet}/.well-known/jwks.json"));
const { payload } = await jwtVerify(token, keys, { issuer: "${duet}", audience: "${duet}", typ: "at+jwt" });`;
