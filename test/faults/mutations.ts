import type { Spaces } from '../../src/space/spaces.js'
import type { OpContext, StoredBlob } from '../../src/space/types.js'
import { at, type TestSpace } from '../support/space.js'

/** A change of a space, by its script. */
export interface Mutation {
  readonly script: string
  /** How often the script runs before it changes anything. */
  readonly skip?: number
  /** It keeps its answer instead of asking the journal, so nothing fences it off. */
  readonly keeps?: boolean
  prepare?(space: TestSpace): Promise<unknown>
  run(spaces: Spaces, op: OpContext, bytes: StoredBlob): Promise<unknown>
}

export const TYPE = { contentType: 'text/plain' }
export const MUTATIONS: Record<string, Mutation> = {
  'a write that creates, with parents': {
    script: 'write',
    run: (spaces, op, bytes) => spaces.write(op, at('a/b/F'), bytes, TYPE),
  },
  'a write that replaces': {
    script: 'write',
    prepare: (space) => space.write('A/f', 7),
    run: (spaces, op, bytes) => spaces.write(op, at('a/F'), bytes, { ...TYPE, executable: true }),
  },
  'mkdir with parents': {
    script: 'mkdir',
    run: (spaces, op) => spaces.mkdir(op, at('x/y/z')),
  },
  'mkdir of a folder that exists': {
    script: 'mkdir',
    prepare: (space) => space.mkdir('x/y'),
    run: (spaces, op) => spaces.mkdir(op, at('X/Y')),
  },
  'a move of a folder, with parents': {
    script: 'move',
    prepare: (space) => space.write('from/f', 3),
    run: (spaces, op) => spaces.move(op, at('from'), at('to/here')),
  },
  'a move of a file over another': {
    script: 'move',
    prepare: async (space) => {
      await space.write('one', 1)
      await space.write('dir/Two', 2)
    },
    run: (spaces, op) => spaces.move(op, at('one'), at('dir/two')),
  },
  'a move of a tree over another': {
    script: 'move',
    prepare: async (space) => {
      for (const path of ['t/a', 'dir/u/b', 'dir/u/c/d']) await space.write(path, 2)
    },
    run: (spaces, op) => spaces.move(op, at('t'), at('dir/u'), { overwrite: true }),
  },
  'a move right behind the copy of a tree': {
    script: 'move',
    prepare: async (space) => {
      for (const path of ['t/a', 't/b/c', 'f']) await space.write(path, 2)
      await space.spaces.copy(space.op, at('t'), at('Copy'))
    },
    run: (spaces, op) => spaces.move(op, at('f'), at('g')),
  },
  'a rename that changes only case': {
    script: 'move',
    prepare: (space) => space.write('name', 1),
    run: (spaces, op) => spaces.move(op, at('name'), at('NAME')),
  },
  'removing a file': {
    script: 'remove',
    prepare: (space) => space.write('dir/f', 4),
    run: (spaces, op) => spaces.remove(op, at('dir/f')),
  },
  'removing an empty folder': {
    script: 'remove',
    prepare: (space) => space.mkdir('dir/empty'),
    run: (spaces, op) => spaces.remove(op, at('dir/empty')),
  },
  'removing a tree': {
    script: 'remove',
    prepare: async (space) => {
      for (const path of ['t/a', 't/b/c', 't/b/d', 'other']) await space.write(path, 2)
    },
    run: (spaces, op) => spaces.remove(op, at('t'), { recursive: true }),
  },
  'setting times and the exec bit': {
    script: 'touch',
    prepare: (space) => space.write('dir/f', 4),
    run: (spaces, op) => spaces.setAttributes(op, at('dir/f'), { modified: 1000, executable: true }),
  },
}

const LOCK = {
  token: 'urn:uuid:of-the-test',
  scope: 'exclusive',
  depth: 'infinity',
  owner: '',
  timeoutMs: 60_000,
} as const
const lock = (space: TestSpace) => space.spaces.lock(space.op, at('dir'), LOCK)

Object.assign(MUTATIONS, {
  'copying a file': {
    script: 'copy',
    prepare: (space) => space.write('a/f', 4),
    run: (spaces, op) => spaces.copy(op, at('a/f'), at('a/G')),
  },
  'copying a file over another': {
    script: 'copy',
    prepare: async (space) => {
      await space.write('f', 4)
      await space.write('g', 5)
    },
    run: (spaces, op) => spaces.copy(op, at('f'), at('G')),
  },
  'copying a tree': {
    script: 'copy',
    skip: 2,
    prepare: async (space) => {
      for (const path of ['t/a', 't/b/c', 't/b/d']) await space.write(path, 2)
    },
    run: (spaces, op) => spaces.copy(op, at('t'), at('Copy')),
  },
  'copying a tree over another': {
    script: 'copy',
    skip: 2,
    prepare: async (space) => {
      for (const path of ['t/a', 't/b/c', 'dir/u/b', 'dir/u/c/d']) await space.write(path, 2)
    },
    run: (spaces, op) => spaces.copy(op, at('t'), at('dir/u'), { overwrite: true }),
  },
  'copying a file over a folder': {
    script: 'copy',
    prepare: async (space) => {
      for (const path of ['f', 'dir/u/b']) await space.write(path, 2)
    },
    run: (spaces, op) => spaces.copy(op, at('f'), at('dir/u'), { overwrite: true }),
  },
  'setting dead properties': {
    script: 'touch',
    prepare: (space) => space.write('f', 4),
    run: (spaces, op) => spaces.changeProperties(op, at('f'), { set: new Map([['{urn:x}p', '<p/>']]) }),
  },
  locking: {
    script: 'lock',
    keeps: true,
    prepare: (space) => space.write('dir/f'),
    run: (spaces, op) => spaces.lock(op, at('dir'), LOCK),
  },
  'making a lock last longer': {
    script: 'unlock',
    keeps: true,
    prepare: async (space) => {
      await space.write('dir/f')
      await lock(space)
    },
    run: (spaces, op) => spaces.refreshLock(op, at('dir/f'), LOCK.token, 90_000),
  },
  unlocking: {
    script: 'unlock',
    keeps: true,
    prepare: async (space) => {
      await space.write('dir/f')
      await lock(space)
    },
    run: (spaces, op) => spaces.unlock(op, at('dir'), LOCK.token),
  },
} satisfies Record<string, Mutation>)
