require "json"
require "jwt"
require "net/http"
require "socket"

KEYS = URI(ENV["JWKS"])
# The library asks again, with the kid that it has not found.
LOADER = lambda do |options|
  $keys = nil if options[:kid_not_found]
  $keys ||= JSON.parse(Net::HTTP.get(KEYS), symbolize_names: true)
end

def claims_of(token)
  JWT.decode(
    token, nil, true,
    algorithms: [ENV["ALG"]], jwks: LOADER,
    iss: ENV["ISSUER"], verify_iss: true, aud: ENV["AUDIENCE"], verify_aud: true,
  ).first
end

server = TCPServer.new("127.0.0.1", ENV["PORT"].to_i)
loop do
  socket = server.accept
  token = ""
  while (line = socket.gets&.chomp) && line != ""
    token = line.split.last if line =~ /\Aauthorization: bearer /i
  end
  begin
    status, text = 200, claims_of(token)["username"]
  rescue StandardError, NotImplementedError => e
    status, text = 401, e.inspect
  end
  socket.write("HTTP/1.1 #{status} \r\ncontent-length: #{text.bytesize}\r\nconnection: close\r\n\r\n#{text}")
  socket.close
end
