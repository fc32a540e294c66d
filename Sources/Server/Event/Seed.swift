internal import CEvent

/// Random bytes that all workers of a gateway have in common, and from which they derive the keys that have to be the same in each.
enum Seed {
    /// To be called before workers are forked.
    static func make() {
        ce_seed_make()
    }
}
