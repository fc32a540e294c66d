import HTTP
import Hub

/// A change that a request may make at the Hub: nothing that was fetched before is given out after it.
final class CacheChange: Sendable {
    private let epochs: WriteEpochs
    /// Nil: the repository is not known.
    private let repository: HubResource?

    /// Nil for an operation that only reads, whatever its method.
    init?(_ operation: HubOperation, _ epochs: WriteEpochs) {
        guard !operation.isSafe else { return nil }
        switch operation.action {
        // Some read one repository and copy it to another, which their bodies name.
        case .read, .search, .infer: if operation.body == nil || operation.body == .model { return nil }
        default: break
        }
        self.epochs = epochs
        repository = operation.resource.form == .repo && Self.isOfPath(operation.body) ? operation.resource : nil
    }

    /// Whether the path names the repository that is changed: a body may name any.
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

    /// To be called before the client learns of the change, and also where it is not known whether it was made.
    func apply() { epochs.changed(repository) }
}
