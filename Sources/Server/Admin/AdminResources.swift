/// What the gateway spends and keeps for all: the Hub's budget, and what it has in memory and on the disk.
struct AdminResources {
    let broker: RateBroker
    let epochs: WriteEpochs
    /// Nil: no files are kept.
    let files: FileCache?
}
