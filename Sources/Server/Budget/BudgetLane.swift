/// The waiting calls of one share, in the order in which they came. Hasty calls have a row of their own, so that each row is in the order of deadlines.
struct BudgetLane {
    private var patient: ArraySlice<BudgetQueue.Waiter> = []
    private var hasty: ArraySlice<BudgetQueue.Waiter> = []

    var isEmpty: Bool { patient.isEmpty && hasty.isEmpty }

    mutating func add(_ waiter: BudgetQueue.Waiter) {
        if waiter.isHasty { hasty.append(waiter) } else { patient.append(waiter) }
    }

    /// Adds a call that has waited before, for another reason.
    mutating func addFirst(_ waiter: BudgetQueue.Waiter) {
        if waiter.isHasty {
            hasty.insert(waiter, at: hasty.startIndex)
        } else {
            patient.insert(waiter, at: patient.startIndex)
        }
    }

    /// The call that came first.
    var first: BudgetQueue.Waiter? {
        guard let one = patient.first, let other = hasty.first else { return patient.first ?? hasty.first }
        return one.id < other.id ? one : other
    }

    /// The first deadline, in microseconds.
    var due: Int { min(patient.first?.due ?? .max, hasty.first?.due ?? .max) }

    mutating func popFirst() -> BudgetQueue.Waiter? {
        first?.isHasty ?? false ? hasty.popFirst() : patient.popFirst()
    }

    /// Takes out one of the calls whose deadline has passed at `now`.
    mutating func popOverdue(at now: Int) -> BudgetQueue.Waiter? {
        if let waiter = hasty.first, waiter.due <= now { return hasty.popFirst() }
        if let waiter = patient.first, waiter.due <= now { return patient.popFirst() }
        return nil
    }

    /// Removes calls whose clients have left from the ends of the rows, and from `gone`.
    mutating func drop(_ gone: inout Set<Int>) {
        guard !gone.isEmpty else { return }
        while let waiter = patient.first, gone.remove(waiter.id) != nil { patient.removeFirst() }
        while let waiter = hasty.first, gone.remove(waiter.id) != nil { hasty.removeFirst() }
    }
}
