import EventIO
import HTTP
import Hub

/// What one request has to do with a budget of the Hub's, over all calls that are made for it.
@EventLoop
final class BudgetUse {
    let account: BudgetLedger.Account
    let path: HubPathClass
    let share: BudgetShare
    let method: Method
    /// No client waits for it: it may go only where enough is left for all calls that clients wait for.
    let isBackground: Bool
    /// The deadline for waiting, in microseconds of the monotonic clock.
    let due: Int
    /// In which bucket its next call is likely to be.
    var bucket: HubBucket
    /// Of its call under way.
    var ticket: BudgetWindow.Ticket?
    /// The call must not be made before this, in microseconds.
    var from = 0
    /// The Hub has refused one of its calls for want of budget, and it was or will be made again.
    var isAskedAgain = false
    /// It has waited.
    var hasWaited = false

    init(
        _ account: BudgetLedger.Account, _ path: HubPathClass, _ bucket: HubBucket, _ share: BudgetShare,
        _ method: Method, isBackground: Bool, due: Int
    ) {
        self.account = account
        self.path = path
        self.bucket = bucket
        self.share = share
        self.method = method
        self.isBackground = isBackground
        self.due = due
    }
}
