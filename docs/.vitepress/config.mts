import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitepress'

const root = fileURLToPath(new URL('../..', import.meta.url))
const docs = join(root, 'docs')
const repository = 'https://github.com/langfuse-middleware/langfuse-middleware'

/** The sidebar that typedoc writes; absent until it has run. */
const apiSidebar = join(docs, 'api', 'typedoc-sidebar.json')
const api = existsSync(apiSidebar) ? JSON.parse(readFileSync(apiSidebar, 'utf8')) : []

const page = (text: string, link: string) => ({ text, link: `/${link}` })

export default defineConfig({
  title: 'langfuse-middleware',
  description: 'Every HTTP request of a Node.js backend as one Langfuse trace',
  cleanUrls: true,
  lastUpdated: false,
  srcExclude: ['**/README.md'],
  themeConfig: {
    search: { provider: 'local' },
    nav: [page('Guide', 'quickstart'), page('Options', 'options'), page('API', 'api/')],
    socialLinks: [{ icon: 'github', link: repository }],
    sidebar: {
      '/api/': [{ text: 'API', items: api }],
      '/': [
        {
          text: 'Start',
          items: [
            page('Quickstart', 'quickstart'),
            page('What a trace is', 'traces'),
            page('Inspector', 'inspector'),
            page('Migrating', 'migrating'),
          ],
        },
        {
          text: 'What is traced',
          items: [
            page('LLM calls', 'llm-calls'),
            page('Users and sessions', 'users-and-sessions'),
            page('Bodies and privacy', 'privacy'),
            page('Sampling and cost', 'sampling'),
            page('Across services', 'across-services'),
          ],
        },
        {
          text: 'In production',
          items: [
            page('Delivery and deploys', 'delivery'),
            page('Queue and sizing', 'queue'),
            page('Self-hosting', 'self-hosting'),
            page('Hosting', 'hosting'),
            page('Serverless', 'serverless'),
            page('Bundlers', 'bundlers'),
            page('Other tracers', 'other-tracers'),
            page('OpenTelemetry', 'opentelemetry'),
          ].filter(({ link }) => existsSync(join(docs, `${link.slice(1)}.md`))),
        },
        { text: 'Quality', items: [page('Testing', 'testing'), page('Evaluation in CI', 'evaluation')] },
        {
          text: 'Reference',
          items: [
            page('Options', 'options'),
            page('Errors', 'errors'),
            page('Troubleshooting', 'troubleshooting'),
            page('Versions and support', 'versions'),
            page('Architecture', 'architecture'),
          ],
        },
      ],
    },
  },
  markdown: {
    config(md) {
      const render = md.renderer.rules.link_open
      md.renderer.rules.link_open = (tokens, index, options, env, self) => {
        const token = tokens[index]!
        const href = token.attrGet('href')
        if (href !== null) token.attrSet('href', onGitHub(href, env.realPath ?? env.path))
        return render ? render(tokens, index, options, env, self) : self.renderToken(tokens, index, options)
      }
    },
  },
})

/** Files outside of the documentation are read on GitHub. */
function onGitHub(href: string, from: string): string {
  if (/^(?:[a-z]+:|#|\/)/.test(href)) return href
  // In text that is included from a file at the root.
  if (href.startsWith('docs/')) return href.slice('docs'.length)
  const target = resolve(dirname(from), href)
  return target.startsWith(docs) ? href : `${repository}/blob/main/${relative(root, target)}`
}
