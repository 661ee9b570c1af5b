import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cached } from './cache.mjs'
import { run, versionOf } from './commands.mjs'

/** Why engines on the JVM cannot be started here; undefined if they can. */
export function whyNoJvm() {
  const java = versionOf('java', ['-version'])
  if (java === undefined) return 'Java is not installed'
  const major = Number(/version "(?:1\.)?(\d+)/.exec(java)?.[1])
  if (major < 17) return `Java 17 is needed, this is ${major}`
  return versionOf('mvn', ['-v']) === undefined ? 'Maven is not installed' : undefined
}

/** Class path of Maven artifacts (`group:artifact:version`) with everything they depend on. */
export async function classPath(name, artifacts) {
  const folder = await cached(name, directory => {
    writeFileSync(join(directory, 'pom.xml'), pom(artifacts))
    const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies'
    return run('mvn', ['-q', '-B', goal, '-DoutputDirectory=lib', '-DincludeScope=runtime'], {
      cwd: directory,
    })
  })
  return join(folder, 'lib', '*')
}

function pom(artifacts) {
  const dependencies = artifacts.map(artifact => {
    const [group, name, version] = artifact.split(':')
    return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`
  })
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>local</groupId><artifactId>engine</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>${dependencies.join('')}</dependencies></project>
`
}
