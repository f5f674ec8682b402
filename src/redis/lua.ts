/**
 * Makes scripts that share includes cheap to call. Redis runs a script's outermost block at every call, so each helper becomes
 * a closure anew, and Lua 5.1 looks for each variable a closure captures in a list of all that are captured: a write's sixty
 * helpers took longer than its Redis commands. So what never changes is written out where it is used, and helpers
 * that are included but not called are left out. Scripts are ours: they declare helpers and constants in the first
 * column, and use a constant's name for nothing else.
 */
export function lean(source: string): string {
  return withoutUnused(withConstants(withoutComments(source)))
}

/** Strings, comments, and words with what they are a field or method of. */
const TOKENS = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|--\[\[[\s\S]*?\]\]|--.*|[.:]?\b[A-Za-z_]\w*/g

function withoutComments(source: string): string {
  return source.replace(TOKENS, (token) => (token.startsWith('--') ? '' : token))
}

const LITERAL = String.raw`(?:\d+|'[^'\n]*')`
const LIBRARY = String.raw`(?:redis|bit|struct|string|table|math|cmsgpack)\.\w+`
const VALUE = `(?:${LITERAL}|${LIBRARY})`
const CONSTANTS = new RegExp(`^local (\\w+(?:, \\w+)*) = (${VALUE}(?:, ${VALUE})*)\\s*$`, 'gm')

/** `local A, B = 1, redis.call` of the outermost block goes, and its values stand wherever the names did. */
function withConstants(source: string): string {
  const values = new Map<string, string>()
  const rest = source.replace(CONSTANTS, (line, names: string, list: string) => {
    const found = list.match(new RegExp(VALUE, 'g')) ?? []
    const words = names.split(', ')
    if (words.length !== found.length || words.some((name) => isAssigned(source, name))) return line
    for (const [at, name] of words.entries()) values.set(name, found[at] as string)
    return ''
  })
  return rest.replace(TOKENS, (token) => values.get(token) ?? token)
}

/** Is it a variable after all: given a value again, or declared a second time? */
function isAssigned(source: string, name: string): boolean {
  return (source.match(new RegExp(`\\b${name}\\b[\\w, ]*=(?!=)`, 'g')) ?? []).length > 1
}

/** A function of the outermost block: on one line, or up to the `end` that stands in the first column. */
const LOCAL_FUNCTION = /^local function (\w+)\((?:.*\bend$|.*\n(?: .*\n|\n)*end$)/gm

function withoutUnused(source: string): string {
  const uses = new Map<string, number>()
  for (const [word] of source.matchAll(TOKENS)) uses.set(word, (uses.get(word) ?? 0) + 1)
  const kept = source.replace(LOCAL_FUNCTION, (text, name: string) => (uses.get(name) === 1 ? '' : text))
  return kept === source ? source : withoutUnused(kept)
}
