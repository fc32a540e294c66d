EventLoop.task { EventLoop.stop() }
EventLoop.run()
