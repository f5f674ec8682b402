import test from 'ava'
import { blobStoreConformance } from './conformance.js'
import { openStore } from './packs-support.js'
import { ownFolder } from './support.js'

/** The contract holds where packs are full all the time, too. */
blobStoreConformance(test, async (t) =>
  openStore(t, await ownFolder(t), { packs: { packBytes: 20_000 }, cacheBytes: 1_000_000 }),
)
