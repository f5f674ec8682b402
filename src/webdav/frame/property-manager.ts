/** An entry's dead properties, as webdav-server sees properties: read only; PROPPATCH changes them. */
import { v2 } from 'webdav-server'
import type { TreeOperations } from '../../space/operations.js'
import type { Entry, OpContext } from '../../space/types.js'
import { promised } from './callbacks.js'

type PropertyReading = Pick<TreeOperations, 'properties'>

export class DeadProperties implements v2.IPropertyManager {
  readonly #tree: PropertyReading
  readonly #op: OpContext
  readonly #entry: Entry

  constructor(tree: PropertyReading, op: OpContext, entry: Entry) {
    this.#tree = tree
    this.#op = op
    this.#entry = entry
  }

  getProperties(callback: v2.ReturnCallback<v2.PropertyBag>): void {
    promised(
      this.#read().then((read) => Object.fromEntries([...read].map(([name, value]) => [name, { value }]))),
      callback,
    )
  }

  getProperty(
    name: string,
    callback: v2.Return2Callback<v2.ResourcePropertyValue, v2.PropertyAttributes>,
  ): void {
    promised(
      this.#read().then((read) => {
        const value = read.get(name)
        if (value === undefined) throw v2.Errors.PropertyNotFound
        return value
      }),
      (error, value) => callback(error, value, {}),
    )
  }

  setProperty(
    _name: string,
    _value: v2.ResourcePropertyValue,
    _attributes: v2.PropertyAttributes,
    callback: v2.SimpleCallback,
  ): void {
    callback(v2.Errors.Forbidden)
  }

  removeProperty(_name: string, callback: v2.SimpleCallback): void {
    callback(v2.Errors.Forbidden)
  }

  async #read(): Promise<ReadonlyMap<string, string>> {
    const { id, hasProperties } = this.#entry
    if (!hasProperties) return new Map()
    return (await this.#tree.properties(this.#op, [id])).get(id) ?? new Map()
  }
}
