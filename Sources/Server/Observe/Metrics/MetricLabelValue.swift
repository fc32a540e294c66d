import Hub

/// One label's values, in the order of their slots.
protocol MetricLabelValue: CaseIterable, RawRepresentable<Int>, Sendable {
    /// The value as it is printed.
    var label: String { get }
}

extension MetricLabelValue {
    var label: String { "\(self)".snakeCased }
}

/// The labels whose values are the gateway's own.
enum MetricLabels {}

extension String {
    /// `createRepo` as `create_repo`.
    var snakeCased: String {
        map { $0.isUppercase ? "_" + $0.lowercased() : String($0) }.joined()
    }
}
