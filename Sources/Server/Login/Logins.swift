import EventIO
import HTTP
import Hub

/// What all logins share, over reloads: the issuers' keys, the limits on failures, and the way to the state process.
@EventLoop
final class Logins {
    let reporter: LoginReporter
    let issuers: Issuers
    /// Tokens that were refused: verifying one takes work.
    let refusals = FailureLimit(most: 30, milliseconds: 60_000)
    /// Logins that devices begin, and their polls.
    let starts = FailureLimit(most: 20, milliseconds: 60_000)
    let polls = FailureLimit(most: 240, milliseconds: 60_000)
    /// Invalid keys with which a device was to be confirmed.
    let guesses = FailureLimit(most: 10, milliseconds: 600_000)
    private let keys: KeyStore?

    init(pool: TransferPool, keys: KeyStore?, reporter: LoginReporter) {
        self.reporter = reporter
        self.keys = keys
        issuers = Issuers(pool: pool, reporter: reporter)
    }

    func use(_ settings: Settings) {
        issuers.use(settings.logins)
    }

    /// Asks the state process. Throws where it cannot be asked, or has not answered.
    func ask(_ order: LoginOrder) async throws(OAuthError) -> LoginAnswer {
        guard let keys, let answer = await keys.ask(order) else {
            throw OAuthError(
                .temporarilyUnavailable, "The gateway cannot make a key at present. Try again later.",
                .serviceUnavailable,
                retryAfter: 5)
        }
        return answer
    }
}
