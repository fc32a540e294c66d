import HTTP
import Hub

/// What a request may change at the Hub, so that nothing is given out afterwards that was fetched before.
final class CacheChange: Sendable {
    private let epochs: WriteEpochs
    /// Nil: it is not known of what.
    private let repository: HubResource?

    /// What `operation` changes; nil for what only reads, whatever its method.
    init?(_ operation: HubOperation, _ epochs: WriteEpochs) {
        guard !operation.isSafe else { return nil }
        switch operation.action {
        case .read, .search, .infer: return nil
        default: break
        }
        self.epochs = epochs
        // Whose name stands in the body, and what is not understood, may be any.
        repository = operation.body == nil && operation.resource.form == .repo ? operation.resource : nil
    }

    /// A change through the facade, of a repository that its body names.
    init(ofAny epochs: WriteEpochs) {
        self.epochs = epochs
        repository = nil
    }

    /// To be called before the client learns of it, and also where what came of it is not known.
    func apply() { epochs.changed(repository) }
}
