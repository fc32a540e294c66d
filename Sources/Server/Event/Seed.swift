internal import CEvent

/// Random bytes that all workers of a gateway have in common, and from which they derive the keys that have to be the same in each.
enum Seed {
    /// To be called before workers are forked.
    static func make() {
        ce_seed_make()
    }

    /// 64 bytes, the same in all workers and others at each start. `purpose` is a name that no other key has.
    static func derive(_ purpose: String) -> [UInt8] {
        let length = Int(CE_DERIVED_BYTES)
        return unsafe [UInt8](unsafeUninitializedCapacity: length) { key, count in
            unsafe ce_seed_derive(purpose, nil, 0, key.baseAddress)
            count = length
        }
    }
}
