from flask import Flask
from flask_jwt_extended import JWTManager, get_jwt, jwt_required
from jwt import PyJWKClient, PyJWTError
from service import ALG, AUDIENCE, ISSUER, JWKS, PORT

app = Flask(__name__)
app.config.update(
    JWT_ALGORITHM=ALG,
    JWT_DECODE_ALGORITHMS=[ALG],
    JWT_DECODE_AUDIENCE=AUDIENCE,
    JWT_DECODE_ISSUER=ISSUER,
)
keys = PyJWKClient(JWKS)
manager = JWTManager(app)


@manager.decode_key_loader
def key_of(header, _claims):
    return keys.get_signing_key(header.get("kid")).key


# Else a key that is not there is a 500.
@app.errorhandler(PyJWTError)
def refuse(error):
    return repr(error), 401


@app.get("/")
@jwt_required()
def whoami():
    return get_jwt()["username"]


app.run("127.0.0.1", PORT)
