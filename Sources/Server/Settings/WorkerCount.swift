/// How many processes serve.
enum WorkerCount: Equatable, Sendable {
    case fixed(Int)
    /// As many as there are processors to use.
    case auto

    /// More than this help no machine.
    static let most = 256

    func resolved(processors: Int) -> Int {
        switch self {
        case .fixed(let number): number
        case .auto: max(1, min(processors, Self.most))
        }
    }
}

extension Kind where Value == WorkerCount {
    static var workerCount: Kind {
        let number = Kind<Int>.count(1...WorkerCount.most)
        return Kind(
            name: "NUMBER|auto",
            accepted: "\(number.accepted), or auto",
            read: { (text) throws(Misfit) in text == "auto" ? .auto : .fixed(try number.read(text)) },
            text: { count in
                switch count {
                case .fixed(let value): number.text(value)
                case .auto: "auto"
                }
            }
        )
    }
}
