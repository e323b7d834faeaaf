import { Layout, type PageContext } from "./layout.view.tsx";

export const HomePage = ({ page }: { page: PageContext }) => {
  const { home, tagline } = page.t;
  return (
    <Layout page={page} title={tagline} className="home">
      <section class="hero">
        <h1>{tagline}</h1>
        <p class="lead">{home.lead}</p>
        <p class="actions">
          {page.viewer ? (
            <a class="button" href="/conversations">
              {home.open}
            </a>
          ) : (
            <>
              <a class="button" href="/register">
                {home.start}
              </a>
              <a class="button secondary" href="/conversations">
                {home.signIn}
              </a>
            </>
          )}
        </p>
      </section>
      <ul class="points">
        {home.points.map(([title, text]) => (
          <li>
            <h2>{title}</h2>
            <p>{text}</p>
          </li>
        ))}
      </ul>
      <p class="center">
        <a class="quiet" href="/docs">
          {page.t.api.docs.title}
        </a>
      </p>
    </Layout>
  );
};
