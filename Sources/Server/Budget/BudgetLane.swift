/// Who waits of one share, in the order in which they came. Those with less patience stand apart, so that each row is in the order of its ends, too.
struct BudgetLane {
    private var patient: ArraySlice<BudgetQueue.Waiter> = []
    private var hasty: ArraySlice<BudgetQueue.Waiter> = []

    var isEmpty: Bool { patient.isEmpty && hasty.isEmpty }

    mutating func add(_ waiter: BudgetQueue.Waiter) {
        if waiter.isHasty { hasty.append(waiter) } else { patient.append(waiter) }
    }

    /// Who has waited before, for another reason.
    mutating func addFirst(_ waiter: BudgetQueue.Waiter) {
        if waiter.isHasty {
            hasty.insert(waiter, at: hasty.startIndex)
        } else {
            patient.insert(waiter, at: patient.startIndex)
        }
    }

    /// Who came first.
    var first: BudgetQueue.Waiter? {
        guard let one = patient.first, let other = hasty.first else { return patient.first ?? hasty.first }
        return one.id < other.id ? one : other
    }

    /// When the first of them may not wait any longer, in microseconds.
    var due: Int { min(patient.first?.due ?? .max, hasty.first?.due ?? .max) }

    mutating func popFirst() -> BudgetQueue.Waiter? {
        first?.isHasty ?? false ? hasty.popFirst() : patient.popFirst()
    }

    /// One of those whose time is over at `now`.
    mutating func popOverdue(at now: Int) -> BudgetQueue.Waiter? {
        if let waiter = hasty.first, waiter.due <= now { return hasty.popFirst() }
        if let waiter = patient.first, waiter.due <= now { return patient.popFirst() }
        return nil
    }

    /// Takes those off the ends who have left; they are no longer in `gone` then.
    mutating func drop(_ gone: inout Set<Int>) {
        guard !gone.isEmpty else { return }
        while let waiter = patient.first, gone.remove(waiter.id) != nil { patient.removeFirst() }
        while let waiter = hasty.first, gone.remove(waiter.id) != nil { hasty.removeFirst() }
    }
}
