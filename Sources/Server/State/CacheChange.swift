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
        // Some read one repository and make another of it, which their bodies name.
        case .read, .search, .infer: if operation.body == nil || operation.body == .model { return nil }
        default: break
        }
        self.epochs = epochs
        repository = operation.resource.form == .repo && Self.isOfPath(operation.body) ? operation.resource : nil
    }

    /// Whether what is changed is what the path names: whose name stands in the body may be any.
    private static func isOfPath(_ body: HubBody?) -> Bool {
        switch body {
        case nil, .lfsBatch, .settings, .volumes, .bucketCreate, .bucketBatch: true
        default: false
        }
    }

    /// A change through the facade, of a repository that its body names.
    init(ofAny epochs: WriteEpochs) {
        self.epochs = epochs
        repository = nil
    }

    /// To be called before the client learns of it, and also where what came of it is not known.
    func apply() { epochs.changed(repository) }
}
