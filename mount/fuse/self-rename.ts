import { type LibraryCode, onlyPlace } from './library-code.js'
import type { ProcessMemory } from './memory.js'

/** `do_rename` of lib/fuse_lowlevel.c, from where all arguments but the new folder are in their places; x86-64. */
const DO_RENAME = Buffer.from(
  [
    '498b0c24', // mov (%r12),%rcx: the new folder
    '4883c408', // add $8,%rsp
    '4889da4c89ee4889ef5b5d415c415dffe0', // the rest of the arguments; jmp *%rax: fuse_lib_rename
    '0f1f00',
    '4883c4084889efbe260000005b5d415c415de9', // where there is no such operation: the same ending with ENOSYS
  ].join(''),
  'hex',
)
/** What is replaced, and where it goes on. */
const REPLACED = 8
/** `pop %rbx` of the ending that answers with the error in %esi. */
const REFUSE = 40
/** Of the code that is put behind the library's own. */
const STUB_BYTES = 64

/**
 * `rename(a, a)` reaches a file system only where the kernel takes the two for different: it looks the second one up anew, and if
 * somebody has removed it in between, they are. libfuse 2.9 then locks the name for the first path, waits for the same lock for
 * the second, for ever, and everybody else for the folder. Here it is said ESTALE instead, at which the kernel looks both up again. Adds a
 * comparison to this process's copy of the library, if it is the one we know.
 */
export function refuseSelfRename(memory: ProcessMemory, { start, code }: LibraryCode): void {
  const at = onlyPlace(code, DO_RENAME)
  if (at === undefined) return
  const stubAt = code.length - STUB_BYTES
  memory.write(start + BigInt(stubAt), stub(stubAt, at))
  memory.write(start + BigInt(at), Buffer.concat([jump(at, stubAt), Buffer.from('909090', 'hex')]))
}

/** Jumps back into `do_rename`; in it: %r13 the old folder, %rbx the old name, %r8 the new one, %rbp the request, %rax where to go. */
function stub(stubAt: number, doRename: number): Buffer {
  const compare = Buffer.from(
    [
      '498b0c24', //  0 mov (%r12),%rcx
      '4c39e9', //    4 cmp %r13,%rcx
      '7527', //      7 jne 48
      '4889df', //    9 mov %rbx,%rdi
      '4c89c6', //   12 mov %r8,%rsi
      '8a17', //     15 mov (%rdi),%dl
      '3a16', //     17 cmp (%rsi),%dl
      '751b', //     19 jne 48
      '48ffc7', //   21 inc %rdi
      '48ffc6', //   24 inc %rsi
      '84d2', //     27 test %dl,%dl
      '75f0', //     29 jne 15
      '4883c408', // 31 add $8,%rsp
      '4889ef', //   35 mov %rbp,%rdi
      'be74000000', // 38 mov $116,%esi: ESTALE
    ].join(''),
    'hex',
  )
  const refuse = jump(stubAt + compare.length, doRename + REFUSE)
  const restore = Buffer.from('4883c408', 'hex')
  const goOn = jump(stubAt + compare.length + refuse.length + restore.length, doRename + REPLACED)
  return Buffer.concat([compare, refuse, restore, goOn])
}

/** `jmp` from one place of the code to another. */
function jump(from: number, to: number): Buffer {
  const bytes = Buffer.from('e900000000', 'hex')
  bytes.writeInt32LE(to - (from + bytes.length), 1)
  return bytes
}
